// Tensor cores: products of small bf16 matrices by the 32 lanes of a warp, with f32 sums, and loads of their
// operands from shared memory. All lanes call each together. (PTX ISA, "mma.m16n8k16", "ldmatrix".)
//
// With g = lane / 4 and q = lane % 4, a lane holds, two numbers to a register, the lower in the lower half:
//
//   A [16, 16]   a[0]: A[g, 2q..]   a[1]: A[g + 8, 2q..]   a[2]: A[g, 2q + 8..]   a[3]: A[g + 8, 2q + 8..]
//   B [16, 8]    b0: B[2q.., g]     b1: B[2q + 8.., g]
//   C [16, 8]    c[0], c[1]: C[g, 2q..]   c[2], c[3]: C[g + 8, 2q..]
#pragma once

#include <cstdint>

namespace fermion::kernels {

// c += a b.
__device__ inline void mma(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// The address of something in shared memory, as the loads below take it.
__device__ inline unsigned shared_address(const void* pointer) {
  return static_cast<unsigned>(__cvta_generic_to_shared(pointer));
}

// Four matrices of 8 rows of 8 numbers, 16 bytes each. Lane l gives the address of row l % 8 of matrix l / 8,
// aligned to 16 bytes, and receives in r[i] numbers 2q and 2q + 1 of row g of matrix i.
//
// An operand that lies with its depth along the rows (A[m, k..], B[n, k..]): for A matrices {m 0..7, k 0..7},
// {m 8..15, k 0..7}, {m 0..7, k 8..15}, {m 8..15, k 8..15}; for two B side by side {n 0..7, k 0..7}, {n 0..7,
// k 8..15}, {n 8..15, k 0..7}, {n 8..15, k 8..15}.
__device__ inline void load_matrices(unsigned (&r)[4], unsigned address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address));
}

// The same of the transposed matrices, numbers g of rows 2q and 2q + 1: for an operand whose rows are its
// depth (A[k, m..], B[k, n..]).
__device__ inline void load_transposed(unsigned (&r)[4], unsigned address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address));
}

}  // namespace fermion::kernels
