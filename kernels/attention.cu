#include "kernels/attention.h"
#include "kernels/attention_mma.h"
#include "kernels/attention_tiles.cuh"

namespace fermion::kernels {
namespace {

// The 16 threads of an own row are half a warp.
__device__ float row_max(float value) {
#pragma unroll
  for (int lanes = 8; lanes > 0; lanes /= 2) value = fmaxf(value, __shfl_xor_sync(0xFFFFFFFF, value, lanes));
  return value;
}
__device__ float row_sum(float value) {
#pragma unroll
  for (int lanes = 8; lanes > 0; lanes /= 2) value += __shfl_xor_sync(0xFFFFFFFF, value, lanes);
  return value;
}

// Of the thread's own rows: the maximum so far, in base 2, and of the thread's columns the sum. fmaxf passes
// over a NaN, which reaches the sum as exp2(NaN).
struct OnlineSoftmax {
  float maximum[4], sum[4];

  // Scores of a block, of which `columns` are in the image, to exp2(score - maximum); decays what is summed.
  template <int W>
  __device__ void add(Scores& s, float scale, std::int64_t columns, Products<W>& o) {
#pragma unroll
    for (int r = 0; r < 4; ++r) {
      float largest = maximum[r];
#pragma unroll
      for (int q = 0; q < 4; ++q) {
        s.at[r][q] = other_row(q) < columns ? scale * s.at[r][q] : -INFINITY;
        largest = fmaxf(largest, s.at[r][q]);
      }
      largest = row_max(largest);
      const float decay = exp2f(maximum[r] - largest);
      maximum[r] = largest;
      sum[r] *= decay;
#pragma unroll
      for (int q = 0; q < 4; ++q) sum[r] += s.at[r][q] = exp2f(s.at[r][q] - largest);
#pragma unroll
      for (int v = 0; v < Products<W>::vectors; ++v)
#pragma unroll
        for (int n = 0; n < Products<W>::N; ++n) o.at[r][v][n] *= decay;
    }
  }
};

// A block owns rows of theta and of o.
template <int W, class T>
__global__ void __launch_bounds__(attention_threads, W <= 64 ? 2 : 1)
    attend(Attention dims, const T* qkv, T* o, float* log_sum_exp) {
  auto& tiles = AttentionTiles<W>::shared();
  const AttentionBlock<W> block(dims);
  const auto theta = packed_rows(dims, qkv, block.image, 0), phi = packed_rows(dims, qkv, block.image, 1),
             g = packed_rows(dims, qkv, block.image, 2);
  OnlineSoftmax softmax{};
#pragma unroll
  for (float& maximum : softmax.maximum) maximum = -INFINITY;
  Products<W> sums{};
  for (std::int64_t j = 0; j < dims.positions; j += tile) {
    Scores s = multiply_rows<W>(tiles, dims, theta, block.begin, phi, j, j > 0);
    softmax.add(s, log2_e * score_scale(dims), dims.positions - j, sums);
    put_scores(tiles, s);
    __syncthreads();
    fill<W>(tiles.other, dims, g, j, block.channel);
    __syncthreads();
    add_product(tiles, sums);
  }
#pragma unroll
  for (int r = 0; r < 4; ++r) {
    softmax.sum[r] = row_sum(softmax.sum[r]);
    const std::int64_t i = block.begin + own_row(r);
    if (block.channel == 0 && threadIdx.x == 0 && i < dims.positions)
      log_sum_exp[block.image * dims.positions + i] = ln_2 * softmax.maximum[r] + logf(softmax.sum[r]);
  }
  put_products(dims, block, sums, plain_rows(dims, o, block.image), Write::overwrite,
               [&](int r) { return 1 / softmax.sum[r]; });
}

}  // namespace

template <class T>
void attention_forward(Cuda ctx, const Attention& dims, const T* qkv, T* o, float* log_sum_exp) {
  if constexpr (std::is_same_v<T, bf16>)
    if (fits_tensor_cores(dims)) return attention_forward_mma(ctx, dims, qkv, o, log_sum_exp);
  with_tile_width(dims, [&](auto width) {
    constexpr int W = width();
    launch_attention<W>(ctx, dims, attend<W, T>, qkv, o, log_sum_exp);
  });
}

template void attention_forward(Cuda, const Attention&, const float*, float*, float*);
template void attention_forward(Cuda, const Attention&, const bf16*, bf16*, float*);

}  // namespace fermion::kernels
