// What a block of kernels/conv_mma.cuh makes of its sums in the forward: y, and its channels' mean and 1 /
// std.
#pragma once

#include "kernels/channel_moments.cuh"
#include "kernels/conv_block.cuh"
#include "kernels/fragment_rows.cuh"

namespace fermion::kernels {

struct ConvForward {
  using Row = Moments;

  Conv2dOutput<bf16> y;
  Moments* rows = nullptr;       // [K, gridDim.x, Co], or null
  unsigned* counters = nullptr;  // [K, gridDim.y], zeros

  template <class Block>
  static constexpr int shared_bytes = Block::tiles* Block::channels* static_cast<int>(sizeof(Moments));
};

// [tiles][channels]
template <class Block>
__device__ Moments* moments_of(const ConvShared<Block>& shared) {
  return reinterpret_cast<Moments*>(shared.rest);
}

template <class Block>
__device__ void prepare_finish(const ConvMma&, const ConvForward&, const ConvShared<Block>& shared) {
  for (int i = threadIdx.x; i < Block::tiles * Block::channels; i += Block::threads)
    moments_of(shared)[i] = {};
}

// y of one tile, and its moments.
template <class Block>
__device__ void finish_tile(const ConvMma& conv, const ConvForward& to, const ConvShared<Block>& shared,
                            int tile, int t, int column, ConvSums<Block>& sums) {
  const int lane = threadIdx.x % 32, g = lane / 4, q = lane % 4;
  const int first = static_cast<int>(blockIdx.y) * Block::channels + 32 * column;
  const PixelTiles::Place place = conv.tiles.place(tile);
  const std::int64_t pixels = std::int64_t{conv.tiles.N} * conv.tiles.H * conv.tiles.W;
  bf16* y = to.y.y + blockIdx.z * pixels * conv.Co + first + 8 * q;
  float count = 0, sum[4][2] = {};
  unsigned inside = 0;  // bit 2 f + h: fragment f's row g + 8 h is a pixel of an image
#pragma unroll
  for (int f = 0; f < Block::fragments; ++f)
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      const int pixel = conv.tiles.output(place, 16 * f + g + 8 * h);
      unsigned word[4];
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        float *low = &sums.at[f][j][2 * h], *high = low + 1;
        const int c = first + 8 * j + 2 * q;
        if (to.y.bias && c < conv.Co) {
          *low += to.y.bias[blockIdx.z * conv.Co + c];
          *high += to.y.bias[blockIdx.z * conv.Co + c + 1];
        }
        if (to.y.relu && *low < 0) *low = 0;
        if (to.y.relu && *high < 0) *high = 0;
        word[j] = pack(*low, *high);
        *low = __uint_as_float(word[j] << 16);
        *high = __uint_as_float(word[j] & 0xFFFF0000);
        if (pixel < 0) continue;
        sum[j][0] += *low;
        sum[j][1] += *high;
      }
      if (pixel >= 0) inside |= 1u << (2 * f + h), ++count;
      transpose_quad(word);
      if (pixel >= 0 && first + 8 * q < conv.Co)
        *reinterpret_cast<uint4*>(y + std::int64_t{pixel} * conv.Co) = {word[0], word[1], word[2], word[3]};
    }
  if (!to.rows) return;
  Moments* moments = moments_of(shared) + t * Block::channels + 32 * column;
  count = add_rows(count);
#pragma unroll
  for (int j = 0; j < 4; ++j)
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      Moments tile_moments{count, add_rows(sum[j][i]) / count};
      float m2 = 0;
#pragma unroll
      for (int r = 0; r < 2 * Block::fragments; ++r) {
        const float difference = sums.at[r / 2][j][r % 2 * 2 + i] - tile_moments.mean;
        if (inside >> r & 1) m2 = fmaf(difference, difference, m2);
      }
      tile_moments.m2 = add_rows(m2);
      if (g == 0) moments[8 * j + 2 * q + i].merge(tile_moments);
    }
}

// The block's moments, and in the last block mean and inv_std of its channels.
template <class Block>
__device__ void finish_channels(const ConvMma& conv, const ConvForward& to, const ConvShared<Block>& shared) {
  if (!to.rows) return;
  __syncthreads();
  const int c = threadIdx.x, channel = static_cast<int>(blockIdx.y) * Block::channels + c;
  const bool mine = c < Block::channels && channel < conv.Co;
  Moments* rows = to.rows + std::int64_t{blockIdx.z} * gridDim.x * conv.Co + channel;
  if (mine) {
    Moments *moments = moments_of(shared), sum = moments[c];
    for (int t = 1; t < Block::tiles; ++t) sum.merge(moments[t * Block::channels + c]);
    rows[std::int64_t{blockIdx.x} * conv.Co] = sum;
  }
  if (!is_last_block(&to.counters[blockIdx.z * gridDim.y + blockIdx.y], gridDim.x) || !mine) return;
  const std::int64_t at = blockIdx.z * conv.Co + channel;
  finish_moments(rows, gridDim.x, conv.Co, to.y.mean + at, to.y.inv_std + at);
}

}  // namespace fermion::kernels
