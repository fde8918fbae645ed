// A register-tiled matrix product on one core, for kernels that multiply blocks which stay in cache. Include
// it behind foreach_target.h and hwy/highway.h.
#if defined(FERMION_KERNELS_GEMM_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FERMION_KERNELS_GEMM_TILE_INL_H_
#undef FERMION_KERNELS_GEMM_TILE_INL_H_
#else
#define FERMION_KERNELS_GEMM_TILE_INL_H_
#endif

#include <hwy/highway.h>

#include "kernels/context.h"

HWY_BEFORE_NAMESPACE();
namespace fermion::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Vectors of at most 16 floats: rows padded to 16 need no tails on any target.
using GemmTag = hn::CappedTag<float, 16>;

// Element (m, k) is data[m row + k column], so a transposed or strided matrix needs no copy.
struct StridedMatrix {
  const float* data;
  std::int64_t row, column;
};

// Rows are contiguous and `row` floats apart.
template <class T>
struct RowMatrix {
  T* data;
  std::int64_t row;
};

// One tile of C in registers: every element of A is spread over a vector and meets `vectors` vectors of B.
template <int rows, int vectors>
HWY_INLINE void multiply_tile(std::int64_t K, StridedMatrix A, RowMatrix<const float> B, RowMatrix<float> C,
                              Write write) {
  const GemmTag d;
  const std::int64_t lanes = hn::Lanes(d);
  hn::Vec<GemmTag> sum[rows][vectors];
#pragma GCC unroll 4
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v)
      sum[r][v] = write == Write::accumulate ? hn::LoadU(d, C.data + r * C.row + v * lanes) : hn::Zero(d);
  for (std::int64_t k = 0; k < K; ++k) {
    hn::Vec<GemmTag> b[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) b[v] = hn::LoadU(d, B.data + k * B.row + v * lanes);
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) {
      const auto a = hn::Set(d, A.data[r * A.row + k * A.column]);
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) sum[r][v] = hn::MulAdd(a, b[v], sum[r][v]);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) hn::StoreU(sum[r][v], d, C.data + r * C.row + v * lanes);
}

template <int vectors>
HWY_INLINE void multiply_columns(std::int64_t M, std::int64_t K, StridedMatrix A, RowMatrix<const float> B,
                                 RowMatrix<float> C, Write write) {
  constexpr int rows = 4;
  std::int64_t m = 0;
  for (; m + rows <= M; m += rows) {
    multiply_tile<rows, vectors>(K, A, B, C, write);
    A.data += rows * A.row;
    C.data += rows * C.row;
  }
  for (; m < M; ++m) {
    multiply_tile<1, vectors>(K, A, B, C, write);
    A.data += A.row;
    C.data += C.row;
  }
}

// C [M, N] = A [M, K] B [K, N], or C + A B. N is a multiple of 16. Each element is summed in order of k.
inline HWY_NOINLINE void multiply(std::int64_t M, std::int64_t N, std::int64_t K, StridedMatrix A,
                                  RowMatrix<const float> B, RowMatrix<float> C, Write write) {
  constexpr bool many_registers = HWY_TARGET == HWY_AVX3 || HWY_ARCH_ARM_A64;
  constexpr int vectors = many_registers ? 4 : 2;
  const std::int64_t lanes = hn::Lanes(GemmTag());
  std::int64_t n = 0;
  for (; n + vectors * lanes <= N; n += vectors * lanes)
    multiply_columns<vectors>(M, K, A, {B.data + n, B.row}, {C.data + n, C.row}, write);
  for (; n < N; n += lanes) multiply_columns<1>(M, K, A, {B.data + n, B.row}, {C.data + n, C.row}, write);
}

}  // namespace fermion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
