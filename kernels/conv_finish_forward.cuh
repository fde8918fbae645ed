// What a block of kernels/conv_mma.cuh makes of its sums in the forward: y, and its channels' mean and 1 /
// std.
#pragma once

#include "kernels/channel_moments.cuh"
#include "kernels/conv_block.cuh"
#include "kernels/fragment_rows.cuh"
#include "kernels/vec.cuh"

namespace fermion::kernels {

struct ConvForward {
  using Row = Moments;

  Conv2dOutput<bf16> y;
  Moments* rows = nullptr;       // [K, tile groups, Co], or null
  unsigned* counters = nullptr;  // [K, gridDim.y], zeros

  template <class Block>
  static constexpr int shared_bytes() {
    return Block::tiles * Block::channels * static_cast<int>(sizeof(Moments));
  }
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

// The sums with bias and ReLU; c: of the thread's first of 8 channels.
template <class Block>
__device__ void add_bias(const ConvMma& conv, const ConvForward& to, int c, ConvSums<Block>& sums) {
  Floats<8> bias{};
  if (to.y.bias && c < conv.Co) bias = load<8>(to.y.bias + blockIdx.z * conv.Co + c);
#pragma unroll
  for (int f = 0; f < Block::fragments; ++f)
#pragma unroll
    for (int j = 0; j < 4; ++j)
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        float& sum = sums.at[f][j][i];
        sum += bias[2 * j + i % 2];
        if (to.y.relu && sum < 0) sum = 0;
      }
}

// y of one tile, and its moments.
template <class Block>
__device__ void finish_tile(const ConvMma& conv, const ConvForward& to, const ConvShared<Block>& shared,
                            int tile, int t, int column, ConvSums<Block>& sums) {
  const int lane = threadIdx.x % 32, g = lane / 4, q = lane % 4;
  const int c = static_cast<int>(blockIdx.y) * Block::channels + 32 * column + 8 * q;
  if (to.y.bias || to.y.relu) add_bias(conv, to, c, sums);
  const PixelTiles::Place place = conv.tiles.place(tile);
  const std::int64_t pixels = std::int64_t{conv.tiles.N} * conv.tiles.H * conv.tiles.W;
  const int channels = Block::doubling ? conv.doubled.C : conv.Co;
  bf16* y = to.y.y + (Block::doubling ? conv.doubled.offset(c) : blockIdx.z * pixels * conv.Co + c);
  float count = 0, sum[8] = {};
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
        word[j] = pack(*low, *high);
        *low = __uint_as_float(word[j] << 16);
        *high = __uint_as_float(word[j] & 0xFFFF0000);
        if (pixel < 0) continue;
        sum[2 * j] += *low;
        sum[2 * j + 1] += *high;
      }
      if (pixel < 0) continue;
      inside |= 1u << (2 * f + h);
      ++count;
      if (c < conv.Co)
        *reinterpret_cast<uint4*>(y + std::int64_t{Block::doubling ? conv.doubled.first(pixel) : pixel} *
                                          channels) = {word[0], word[1], word[2], word[3]};
    }
  if (!to.rows) return;
  // Lane (g, q) has channel g of the 8.
  Moments tile_moments{add_rows(count), add_rows_of(sum)};
  tile_moments.mean /= tile_moments.count;
  float mean[8], m2[8] = {};
  from_rows(mean, tile_moments.mean);
#pragma unroll
  for (int r = 0; r < 2 * Block::fragments; ++r) {
    if (!(inside >> r & 1)) continue;
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const float difference = sums.at[r / 2][i / 2][r % 2 * 2 + i % 2] - mean[i];
      m2[i] = fmaf(difference, difference, m2[i]);
    }
  }
  tile_moments.m2 = add_rows_of(m2);
  moments_of(shared)[t * Block::channels + 32 * column + 8 * q + g].merge(tile_moments);
}

// The block's moments, and in the last block mean and inv_std of its channels.
template <class Block>
__device__ void finish_channels(const ConvMma& conv, const ConvForward& to, const ConvShared<Block>& shared) {
  if (!to.rows) return;
  __syncthreads();
  using Last = LastBlock<Block::channels, Block::threads>;
  const Last last{reinterpret_cast<double*>(shared.pixels)};
  const int c = Last::channel(), channel = static_cast<int>(blockIdx.y) * Block::channels + c;
  const bool there = channel < conv.Co;
  Moments* rows = to.rows + std::int64_t{blockIdx.z} * tile_groups<Block>(conv) * conv.Co + channel;
  if (Last::lane() == 0 && there) {
    Moments *moments = moments_of(shared), sum = moments[c];
    for (int t = 1; t < Block::tiles; ++t) sum.merge(moments[t * Block::channels + c]);
    rows[std::int64_t{tile_group<Block>(conv)} * conv.Co] = sum;
  }
  if (!is_last_block(&to.counters[blockIdx.z * gridDim.y + blockIdx.y], tile_groups<Block>(conv))) return;
  const std::int64_t at = blockIdx.z * conv.Co + channel;
  last.moments(rows, there ? tile_groups<Block>(conv) : 0, conv.Co, to.y.mean + at, to.y.inv_std + at);
}

}  // namespace fermion::kernels
