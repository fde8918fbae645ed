// What the kernels of attention on tensor cores share: rows of D channels in shared memory, the fragments
// (kernels/mma.cuh) that a warp makes of them, and how its sums get back to global memory.
#pragma once

#include <numbers>

#include "kernels/async_copy.cuh"
#include "kernels/attention_mma.h"
#include "kernels/exp2.cuh"
#include "kernels/fragment_rows.cuh"
#include "kernels/launch.cuh"
#include "kernels/mma.cuh"
#include "kernels/vec.cuh"

namespace fermion::kernels {

// A block's threads.
inline constexpr int attention_warps = 4, attention_mma_threads = 32 * attention_warps;

// Rows of D channels in shared memory, [D / 8 planes of 8 channels][rows] x 16 bytes, so that 8 rows of a
// plane, which a load_matrices reads at once, lie side by side, and a step to other rows or channels is a
// constant. One or two vectors between the planes let also fills meet each bank once.
template <int Rows, int D>
struct RowTile {
  static constexpr int planes = D / 8, plane = 16 * (Rows + 8 / (planes < 8 ? planes : 8)),
                       bytes = planes * plane;

  // Of a lane whose matrices differ first in their rows (A, and B transposed), or in their channels (B).
  static __device__ unsigned rows_first(int lane) { return lane / 16 * plane + 16 * (lane % 16); }
  static __device__ unsigned channels_first(int lane) {
    return lane / 8 % 2 * plane + 16 * (lane / 16 * 8 + lane % 8);
  }
  // From there to row 16 r and channel 16 c.
  static constexpr __device__ int at(int r, int c) { return 2 * c * plane + 256 * r; }

  // Where the thread's first vector lies in the tile, and in rows `Stride` numbers apart.
  static __device__ unsigned vector() { return threadIdx.x % planes * plane + threadIdx.x / planes * 16; }
  template <int Stride>
  static __device__ unsigned offset() {
    return threadIdx.x / planes * Stride + threadIdx.x % planes * 8;
  }
  // Brings the thread's vectors, from `from` to `to`, of the first `count` of Rows rows, and zeros for the
  // others. The copies go on.
  template <int Stride>
  static __device__ void copy(unsigned to, const bf16* from, int count) {
    constexpr int step = attention_mma_threads / planes;
    static_assert(Rows % step == 0);
    const int left = count - static_cast<int>(threadIdx.x / planes);
#pragma unroll
    for (int i = 0; i < Rows / step; ++i)
      copy_async(to + 16 * step * i, from + step * i * Stride, step * i < left);
  }
};

// 16 M rows of a warp by 8 N numbers.
template <int M, int N>
struct RowSums {
  float at[M][N][4];
};

// The operand A that 16 columns of sums are, rounded, from column 16 k on.
template <int M, int N>
__device__ void pack_rows(unsigned (&a)[4], const RowSums<M, N>& sums, int m, int k) {
#pragma unroll
  for (int i = 0; i < 4; ++i)
    a[i] = pack(sums.at[m][2 * k + i / 2][i % 2 * 2], sums.at[m][2 * k + i / 2][i % 2 * 2 + 1]);
}

// sums += a b for 16 columns, from column 16 n on.
template <int M, int N>
__device__ void multiply(RowSums<M, N>& sums, int n, const unsigned (&a)[M][4], const unsigned (&b)[4]) {
#pragma unroll
  for (int m = 0; m < M; ++m) {
    mma(sums.at[m][2 * n], a[m], b[0], b[1]);
    mma(sums.at[m][2 * n + 1], a[m], b[2], b[3]);
  }
}

// Scores of columns from `count` on become -infinity, P 0.
template <int M, int N>
__device__ void mask_columns(RowSums<M, N>& s, int count) {
#pragma unroll
  for (int n = 0; n < N; ++n)
#pragma unroll
    for (int i = 0; i < 4; ++i)
      if (8 * n + 2 * static_cast<int>(threadIdx.x % 4) + i % 2 >= count)
#pragma unroll
        for (int m = 0; m < M; ++m) s.at[m][n][i] = -INFINITY;
}

// Of the four lanes that hold a row.
__device__ inline float quad_sum(float value) {
  value += __shfl_xor_sync(0xFFFFFFFF, value, 1);
  return value + __shfl_xor_sync(0xFFFFFFFF, value, 2);
}
__device__ inline float quad_max(float value) {
  value = fmaxf(value, __shfl_xor_sync(0xFFFFFFFF, value, 1));
  return fmaxf(value, __shfl_xor_sync(0xFFFFFFFF, value, 2));
}

// factor(m, half) times the sums of rows 16 m + 8 half + lane / 4, of which the first `count` are there, to
// rows `stride` numbers apart. A lane stores 16 bytes.
template <int M, int N, class Factor>
__device__ void put_rows(const RowSums<M, N>& sums, bf16* to, int stride, int count, Write write,
                         const Factor& factor) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int m = 0; m < M; ++m)
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int row = 16 * m + 8 * half + lane / 4;
      const float f = factor(m, half);
      bf16* at = to + row * stride + 8 * (lane % 4);
#pragma unroll
      for (int n = 0; n < N; n += 4) {
        unsigned words[4];
#pragma unroll
        for (int i = 0; i < 4; ++i)
          words[i] = pack(f * sums.at[m][n + i][2 * half], f * sums.at[m][n + i][2 * half + 1]);
        transpose_quad(words);
        if (row < count) put_words(at + 8 * n, words, write);
      }
    }
}

// Scores are kept in base 2: exp(S) = exp2(base_2_scale theta phi^T).
template <int D>
__device__ float base_2_scale() {
  return std::numbers::log2e_v<float> * rsqrtf(static_cast<float>(D));
}

}  // namespace fermion::kernels
