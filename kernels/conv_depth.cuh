// How blocks of kernels/conv_mma.cuh share the channels that a tile is summed over, where a layer has fewer
// tiles than there are multiprocessors. Each leaves its sums in memory, as its threads hold them; the one
// that is the last to do so adds up all, in the order of the channels, and goes on with the tile.
#pragma once

#include "kernels/channel_moments.cuh"
#include "kernels/conv_block.cuh"

namespace fermion::kernels {

// The steps through the depth that the block makes.
template <class Block>
struct DepthPart {
  int begin, end;

  __device__ explicit DepthPart(const ConvMma& conv) : begin(0), end(Block::steps(conv.chunks)) {
    if constexpr (Block::depth != Depth::split) return;
    const int steps = end, blocks = conv.split.blocks, part = static_cast<int>(blockIdx.x) % blocks;
    begin = steps * part / blocks;
    end = steps * (part + 1) / blocks;
  }
};

// By float4, of one thread and of a block.
template <class Block>
constexpr int thread_sums = 4 * Block::fragments;
template <class Block>
constexpr std::int64_t block_sums = std::int64_t{thread_sums<Block>} * Block::threads;

// The sums over all parts, in the last block to come; false in the others. All threads call it, once.
template <class Block>
__device__ bool add_parts(const ConvMma& conv, ConvSums<Block>& sums) {
  const SplitDepth& split = conv.split;
  const int tile = tile_group<Block>(conv);
  const std::int64_t column = std::int64_t{blockIdx.z} * gridDim.y + blockIdx.y;
  float4* parts = split.sums + column * gridDim.x * block_sums<Block> + threadIdx.x;
  float4* own = parts + blockIdx.x * block_sums<Block>;
#pragma unroll
  for (int i = 0; i < thread_sums<Block>; ++i) {
    const float(&sum)[4] = sums.at[i / 4][i % 4];
    own[i * Block::threads] = {sum[0], sum[1], sum[2], sum[3]};
  }
  if (!is_last_block(&split.counters[column * tile_groups<Block>(conv) + tile], split.blocks)) return false;
  sums = {};
  parts += std::int64_t{tile} * split.blocks * block_sums<Block>;
  // There are not registers enough for all of a part.
  constexpr int at_once = 16;
#pragma unroll
  for (int first = 0; first < thread_sums<Block>; first += at_once)
#pragma unroll 1
    for (int part = 0; part < split.blocks; ++part)
#pragma unroll
      for (int i = first; i < first + at_once && i < thread_sums<Block>; ++i) {
        float(&sum)[4] = sums.at[i / 4][i % 4];
        const float4 other = parts[part * block_sums<Block> + i * Block::threads];
        sum[0] += other.x, sum[1] += other.y, sum[2] += other.z, sum[3] += other.w;
      }
  return true;
}

}  // namespace fermion::kernels
