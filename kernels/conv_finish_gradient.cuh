// What a block of kernels/conv_mma.cuh makes of its sums in the gradient by the input: the inputs' da and its
// sums (kernels/feature.h), whichever of the two a channel belongs to.
#pragma once

#include "kernels/channel_moments.cuh"
#include "kernels/conv_block.cuh"
#include "kernels/feature.cuh"
#include "kernels/fragment_rows.cuh"

namespace fermion::kernels {

struct ConvGradient {
  struct Row {
    float da = 0, da_x_hat = 0;
  };

  Conv2dInput<bf16> x;
  FeatureGradient<bf16> first, second;
  int first_channels = 0;
  Row* rows = nullptr;           // [K, tile groups, channels of both], or null where no input has a norm
  unsigned* counters = nullptr;  // [K, gridDim.y], zeros

  template <class Block>
  static constexpr int shared_bytes() {
    return Block::tiles * Block::channels * static_cast<int>(sizeof(Row));
  }
};

// One of the inputs, as the thread sees it that has some channels of it.
struct ConvInput {
  Feature<bf16> x;
  FeatureGradient<bf16> dx;
  std::int64_t C;  // its channels
  std::int64_t c;  // the first of the thread's

  // channel: among those of both.
  __device__ ConvInput(const ConvMma& conv, const ConvGradient& to, std::int64_t channel) {
    const bool first = channel < to.first_channels;
    x = first ? to.x.first : to.x.second;
    dx = first ? to.first : to.second;
    C = first ? to.first_channels : conv.Co - to.first_channels;
    c = first ? channel : channel - to.first_channels;
    if (channel >= conv.Co) dx = {};
  }
};

// [sums of da, of da x_hat][tiles][channels]
template <class Block>
__device__ float* sums_of(const ConvShared<Block>& shared) {
  return reinterpret_cast<float*>(shared.rest);
}

template <class Block>
__device__ void prepare_finish(const ConvMma&, const ConvGradient&, const ConvShared<Block>& shared) {
  for (int i = threadIdx.x; i < 2 * Block::tiles * Block::channels; i += Block::threads)
    sums_of(shared)[i] = 0;
}

// da of the block's tile t, and its sums.
template <class Block>
__device__ void finish_tile(const ConvMma& conv, const ConvGradient& to, const ConvShared<Block>& shared,
                            int tile, int t, int column, ConvSums<Block>& sums) {
  const int lane = threadIdx.x % 32, g = lane / 4, q = lane % 4, c = 32 * column + 8 * q;
  const ConvInput in(conv, to, std::int64_t{blockIdx.y} * Block::channels + c);
  const ChannelNorm<8> norm(in.dx.da ? in.x.norm : Norm{}, blockIdx.z * in.C + in.c);
  const PixelTiles::Place place = conv.tiles.place(tile);
  const std::int64_t pixels = std::int64_t{conv.tiles.N} * conv.tiles.H * conv.tiles.W,
                     begin = blockIdx.z * pixels * in.C + in.c;
  float sum_da[8] = {}, sum_da_x_hat[8] = {};
  // Rounded before they are masked and summed: what is summed is what is stored. The thread's row r:
  // place 8 (r % of_phase) + g.
  constexpr int of_phase = 2 * Block::tile_fragments, rows = of_phase * Block::phases;
  constexpr int at_once = Block::phases == 1 ? 4 : 2;
  unsigned words[rows][4];
#pragma unroll
  for (int r = 0; r < rows; ++r)
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const float* sum = &sums.at[r / 2][j][r % 2 * 2];
      words[r][j] = pack(sum[0], sum[1]);
    }
#pragma unroll
  for (int first = 0; first < rows; first += at_once) {
    // Some loads are on their way before the first is waited for.
    int pixel[at_once];
    unsigned y[at_once][4];
#pragma unroll
    for (int i = 0; i < at_once; ++i) {
      const int r = first + i;
      pixel[i] = r < rows && in.dx.da ? conv.tiles.output(place, 8 * (r % of_phase) + g, r / of_phase) : -1;
      if (pixel[i] >= 0 && in.x.norm) load_words(y[i], in.x.y + begin + pixel[i] * in.C);
    }
#pragma unroll
    for (int i = 0; i < at_once; ++i) {
      if (first + i >= rows || pixel[i] < 0) continue;
      Floats<8> da = unpack(words[first + i]);
      if (in.x.norm) {
        const Floats<8> values = unpack(y[i]);
#pragma unroll
        for (int k = 0; k < 8; ++k) {
          const float x_hat = norm.x_hat(values[k], k);
          da[k] = norm.mask(x_hat, da[k], k);
          sum_da[k] += da[k];
          sum_da_x_hat[k] = fmaf(da[k], x_hat, sum_da_x_hat[k]);
        }
      }
      put(in.dx.da.data + begin + pixel[i] * in.C, da, in.dx.da.write);
    }
  }
  if (!to.rows) return;
  // Lane (g, q) adds up channel g of the 8.
  float* sum = sums_of(shared) + t * Block::channels + c + g;
  sum[0] += add_rows_of(sum_da);
  sum[Block::tiles * Block::channels] += add_rows_of(sum_da_x_hat);
}

// The block's sums, and in the last block those of all, added to the inputs'.
template <class Block>
__device__ void finish_channels(const ConvMma& conv, const ConvGradient& to,
                                const ConvShared<Block>& shared) {
  if (!to.rows) return;
  __syncthreads();
  using Last = LastBlock<Block::channels, Block::threads>;
  const Last last{reinterpret_cast<double*>(shared.pixels)};
  const int c = Last::channel(), channel = static_cast<int>(blockIdx.y) * Block::channels + c;
  const bool there = channel < conv.Co;
  ConvGradient::Row* rows = to.rows + std::int64_t{blockIdx.z} * tile_groups<Block>(conv) * conv.Co + channel;
  if (Last::lane() == 0 && there) {
    ConvGradient::Row sum;
    for (int t = 0; t < Block::tiles; ++t) {
      sum.da += sums_of(shared)[t * Block::channels + c];
      sum.da_x_hat += sums_of(shared)[(Block::tiles + t) * Block::channels + c];
    }
    rows[std::int64_t{tile_group<Block>(conv)} * conv.Co] = sum;
  }
  if (!is_last_block(&to.counters[blockIdx.z * gridDim.y + blockIdx.y], tile_groups<Block>(conv))) return;
  double da = 0, da_x_hat = 0;
#pragma unroll 4
  for (int i = Last::lane(); i < (there ? tile_groups<Block>(conv) : 0); i += Last::lanes) {
    const ConvGradient::Row row = rows[i * std::int64_t{conv.Co}];
    da += row.da;
    da_x_hat += row.da_x_hat;
  }
  da = last.sum(da);
  __syncthreads();
  da_x_hat = last.sum(da_x_hat);
  const ConvInput in(conv, to, channel);
  if (Last::lane() != 0 || !there || !in.dx.sum_da) return;
  in.dx.sum_da[blockIdx.z * in.C + in.c] += static_cast<float>(da);
  in.dx.sum_da_x_hat[blockIdx.z * in.C + in.c] += static_cast<float>(da_x_hat);
}

}  // namespace fermion::kernels
