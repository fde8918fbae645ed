// Blocks that share a tile (kernels/conv_depth.cuh): which steps each makes, and what the last one adds up.
#include "kernels/conv_depth.cuh"
#include "tests/kernels/cuda_rig.cuh"

using namespace fermion::kernels;
using namespace fermion::test;

namespace {

using Block = ConvBlock<false, 2, 4, 2, 3, 1, Depth::split>;
constexpr int of_thread = 4 * thread_sums<Block>, of_block = of_thread * Block::threads;

__global__ void find_parts(const __grid_constant__ ConvMma conv, int* begins, int* ends) {
  const DepthPart<Block> depth(conv);
  begins[blockIdx.x] = depth.begin;
  ends[blockIdx.x] = depth.end;
}

__device__ int block_index() {
  return static_cast<int>((blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x);
}

// numbers: what each block has summed, [z, y, x, thread, sum]; totals and times: [z, y, tile, ...].
__global__ void share_tiles(const __grid_constant__ ConvMma conv, const float* numbers, float* totals,
                            int* times) {
  ConvSums<Block> sums;
  float* flat = &sums.at[0][0][0];
  numbers += std::int64_t{block_index()} * of_block + threadIdx.x * of_thread;
  for (int i = 0; i < of_thread; ++i) flat[i] = numbers[i];
  if (!add_parts(conv, sums)) return;
  const int tile = block_index() / conv.split.blocks;
  if (threadIdx.x == 0) ++times[tile];
  totals += std::int64_t{tile} * of_block + threadIdx.x * of_thread;
  for (int i = 0; i < of_thread; ++i) totals[i] = flat[i];
}

ConvMma convolution(int steps, const SplitDepth& split) {
  ConvMma conv{};
  conv.chunks = steps;
  conv.split = split;
  return conv;
}

// Parts 0 and 2 are far larger than the others: in another order than 0, 1, 2, ... the sum would be another.
float number(int part, int tile, int i) {
  const float sign = part == 0 ? 0x1p24f : part == 2 ? -0x1p24f : 0;
  return sign + static_cast<float>((7 * part + 3 * tile + i) % 1021);
}

}  // namespace

TEST_CASE("the blocks of a tile make all its steps, one after another, as many as each other or one more") {
  for (const int blocks : {1, 2, 3, 5, 7}) {
    constexpr int tiles = 2, steps = 7;
    const auto count = static_cast<std::size_t>(tiles * blocks);
    Numbers<int> begins(count), ends(count);
    CudaRig().run(find_parts, {tiles * blocks}, 1, 0, convolution(steps, {.blocks = blocks}), begins, ends);
    for (int i = 0; i < tiles * blocks; ++i) {
      INFO(blocks, " blocks, block ", i);
      CHECK(begins[i] == (i % blocks ? ends[i - 1] : 0));
      CHECK(ends[i] - begins[i] >= steps / blocks);
      CHECK(ends[i] - begins[i] <= blocks_for(steps, blocks));
      if (i % blocks == blocks - 1) CHECK(ends[i] == steps);
    }
  }
}

TEST_CASE(
    "the last block of a tile has the sums of all its blocks, in their order, and leaves its counter at 0") {
  constexpr int tiles = 3, columns = 2, weight_sets = 2, all = tiles * columns * weight_sets;
  for (const int blocks : {2, 3, 5}) {
    const auto count = static_cast<std::size_t>(all * blocks) * of_block;
    Numbers<float> numbers(
        count, [&](int i) { return number(i / of_block % blocks, i / of_block / blocks, i % of_block); });
    Numbers<float4> parts(count / 4);
    Numbers<float> totals(std::size_t{all} * of_block);
    Numbers<unsigned> counters(all);
    Numbers<int> times(all);
    const ConvMma conv = convolution(blocks, {.blocks = blocks, .sums = parts, .counters = counters});
    CudaRig().run(share_tiles, {tiles * blocks, columns, weight_sets}, Block::threads, 0, conv, numbers,
                  totals, times);
    int wrong = 0;
    for (int i = 0; i < all * of_block; ++i) {
      float total = 0;
      for (int part = 0; part < blocks; ++part) total += number(part, i / of_block, i % of_block);
      wrong += totals[i] != total;
    }
    INFO(blocks, " blocks");
    CHECK(wrong == 0);
    for (int tile = 0; tile < all; ++tile) {
      CHECK(times[tile] == 1);
      CHECK(counters[tile] == 0);
    }
  }
}
