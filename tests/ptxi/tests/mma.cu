// Fragment layouts of mma.sync against the tables of the PTX ISA, written here element by element:
// every element of A and of B is set alone once, and random matrices are multiplied.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "test.h"

enum Kind { BF16_K16, BF16_K8, F16_K16, F16_K8, F16ACC_K16, F16ACC_K8, TF32_K8, TF32_K4 };
__host__ __device__ constexpr int depth(int kind) {
  return kind == TF32_K4 ? 4 : kind == BF16_K16 || kind == F16_K16 || kind == F16ACC_K16 ? 16 : 8;
}

// Row and column of element i of a lane's fragment ("Matrix fragments for mma.m16n8kX" in the ISA).
__device__ void a_pos(int kind, int lane, int i, int& row, int& col) {
  int group = lane / 4, t = lane % 4;
  switch (kind) {
    case BF16_K16:
    case F16_K16:
    case F16ACC_K16:  // a0..a7
      row = (i == 0 || i == 1 || i == 4 || i == 5) ? group : group + 8;
      col = t * 2 + (i % 2) + (i >= 4 ? 8 : 0);
      break;
    case BF16_K8:
    case F16_K8:
    case F16ACC_K8:  // a0..a3
      row = i < 2 ? group : group + 8;
      col = t * 2 + (i % 2);
      break;
    case TF32_K8:  // a0..a3
      row = (i == 0 || i == 2) ? group : group + 8;
      col = (i == 0 || i == 1) ? t : t + 4;
      break;
    default:  // tf32 k4: a0, a1
      row = i == 0 ? group : group + 8;
      col = t;
  }
}
__device__ void b_pos(int kind, int lane, int i, int& row, int& col) {
  int group = lane / 4, t = lane % 4;
  col = group;
  switch (kind) {
    case BF16_K16:
    case F16_K16:
    case F16ACC_K16:
      row = t * 2 + (i % 2) + (i >= 2 ? 8 : 0);
      break;
    case BF16_K8:
    case F16_K8:
    case F16ACC_K8:
      row = t * 2 + i;
      break;
    case TF32_K8:
      row = i == 0 ? t : t + 4;
      break;
    default:
      row = t;
  }
}
__device__ void c_pos(int lane, int i, int& row, int& col) {
  row = i < 2 ? lane / 4 : lane / 4 + 8;
  col = (lane % 4) * 2 + (i % 2);
}
__device__ unsigned pack(int kind, float lo, float hi) {
  unsigned l, h;
  if (kind == BF16_K16 || kind == BF16_K8) {
    l = __bfloat16_as_ushort(__float2bfloat16(lo));
    h = __bfloat16_as_ushort(__float2bfloat16(hi));
  } else {
    l = __half_as_ushort(__float2half(lo));
    h = __half_as_ushort(__float2half(hi));
  }
  return l | h << 16;
}

// c += a b with c in f32; of four and two registers of a and b, or two and one.
template <int kind>
__device__ void multiply(float* c, const unsigned* a, const unsigned* b) {
#define LONG(type)                                                                                \
  asm volatile("mma.sync.aligned." type ".f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};" \
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])                                   \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]))
#define SHORT(type)                                                                      \
  asm volatile("mma.sync.aligned." type ".f32 {%0,%1,%2,%3},{%4,%5},{%6},{%0,%1,%2,%3};" \
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])                          \
               : "r"(a[0]), "r"(a[1]), "r"(b[0]))
  if (kind == BF16_K16) LONG("m16n8k16.row.col.f32.bf16.bf16");
  if (kind == F16_K16) LONG("m16n8k16.row.col.f32.f16.f16");
  if (kind == TF32_K8) LONG("m16n8k8.row.col.f32.tf32.tf32");
  if (kind == BF16_K8) SHORT("m16n8k8.row.col.f32.bf16.bf16");
  if (kind == F16_K8) SHORT("m16n8k8.row.col.f32.f16.f16");
  if (kind == TF32_K4) SHORT("m16n8k4.row.col.f32.tf32.tf32");
#undef LONG
#undef SHORT
}
// The same with c in f16.
template <int kind>
__device__ void multiply_f16(float* c, const unsigned* a, const unsigned* b) {
  unsigned u[2] = {pack(kind, c[0], c[1]), pack(kind, c[2], c[3])};
  if (kind == F16ACC_K16)
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16 {%0,%1},{%2,%3,%4,%5},{%6,%7},{%0,%1};"
                 : "+r"(u[0]), "+r"(u[1])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  else
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f16.f16.f16.f16 {%0,%1},{%2,%3},{%4},{%0,%1};"
                 : "+r"(u[0]), "+r"(u[1])
                 : "r"(a[0]), "r"(a[1]), "r"(b[0]));
  for (int i = 0; i < 4; i++)
    c[i] = __half2float(__ushort_as_half((unsigned short)(u[i / 2] >> (16 * (i % 2)))));
}

// One matrix product per block.
template <int kind>
__global__ void kmma(const float* A, const float* B, const float* C, float* D) {
  constexpr int K = depth(kind);
  A += blockIdx.x * 16 * K;
  B += blockIdx.x * K * 8;
  C += blockIdx.x * 128;
  D += blockIdx.x * 128;
  int l = threadIdx.x, r, q;
  float a[8], b[4], c[4];
  const int na = 16 * K / 32, nb = 8 * K / 32;
  for (int i = 0; i < na; i++) {
    a_pos(kind, l, i, r, q);
    a[i] = A[r * K + q];
  }
  for (int i = 0; i < nb; i++) {
    b_pos(kind, l, i, r, q);
    b[i] = B[r * 8 + q];
  }
  for (int i = 0; i < 4; i++) {
    c_pos(l, i, r, q);
    c[i] = C[r * 8 + q];
  }
  unsigned ua[4], ub[2];
  if (kind == TF32_K8 || kind == TF32_K4) {
    for (int i = 0; i < na; i++) ua[i] = __float_as_uint(a[i]);
    for (int i = 0; i < nb; i++) ub[i] = __float_as_uint(b[i]);
  } else {
    for (int i = 0; i < na / 2; i++) ua[i] = pack(kind, a[2 * i], a[2 * i + 1]);
    for (int i = 0; i < nb / 2; i++) ub[i] = pack(kind, b[2 * i], b[2 * i + 1]);
  }
  if (kind == F16ACC_K16 || kind == F16ACC_K8)
    multiply_f16<kind>(c, ua, ub);
  else
    multiply<kind>(c, ua, ub);
  for (int i = 0; i < 4; i++) {
    c_pos(l, i, r, q);
    D[r * 8 + q] = c[i];
  }
}

template <int kind>
static void test(const char* name) {
  const int K = depth(kind), cases = 16 * K + 8 * K + 50;
  std::vector<float> A(cases * 16 * K), B(cases * K * 8), C(cases * 128);
  uint32_t s = 1 + kind;
  auto small = [&] { return (float)((int)(lcg(s) >> 16) % 17 - 8); };  // exact in every format
  for (auto& x : A) x = small();
  for (auto& x : B) x = small();
  for (auto& x : C) x = small();
  for (int n = 0; n < 16 * K; n++)  // a single element of A
    for (int i = 0; i < 16 * K; i++) A[n * 16 * K + i] = i == n ? 3.f : 0.f;
  for (int n = 0; n < 8 * K; n++)  // a single element of B
    for (int i = 0; i < 8 * K; i++) B[(16 * K + n) * 8 * K + i] = i == n ? 5.f : 0.f;
  float* d = device_array<float>(cases * 128);
  kmma<kind><<<cases, 32>>>(to_device(A), to_device(B), to_device(C), d);
  auto D = to_host(d, cases * 128);
  int bad = 0;
  for (int n = 0; n < cases; n++)
    for (int i = 0; i < 16; i++)
      for (int j = 0; j < 8; j++) {
        float r = C[n * 128 + i * 8 + j];
        for (int k = 0; k < K; k++) r += A[n * 16 * K + i * K + k] * B[n * 8 * K + k * 8 + j];
        bad += r != D[n * 128 + i * 8 + j];
      }
  check(name, !bad);
}

int main() {
  test<BF16_K16>("mma bf16 k16");
  test<BF16_K8>("mma bf16 k8");
  test<F16_K16>("mma f16 k16");
  test<F16_K8>("mma f16 k8");
  test<F16ACC_K16>("mma f16 accumulator k16");
  test<F16ACC_K8>("mma f16 accumulator k8");
  test<TF32_K8>("mma tf32 k8");
  test<TF32_K4>("mma tf32 k4");
  return finish();
}
