// What a block of the gradient by the weights brings into shared memory (kernels/conv_wgrad_operands.cuh):
// every vector of dy and of x in its plane and place, by numbers that name their pixel and channel, zeros
// where there is none.
#include "kernels/conv_wgrad_operands.cuh"
#include "tests/kernels/banks.h"
#include "tests/kernels/cuda_rig.cuh"

using namespace fermion::kernels;
using namespace fermion::test;

namespace {

constexpr int Co = 72, first_channels = 16, second_channels = 24, Ci = first_channels + second_channels;

// One block for each tile and, in y, each block of input channels. dy: [tile][plane][pixel], x:
// [y][tile][plane][input], 8 numbers each.
template <class Block>
__global__ void bring(const __grid_constant__ ConvWgrad conv, int first_co, uint4* dy, uint4* x) {
  constexpr int buffer = 1;
  const WgradShared<Block> shared(conv);
  const int t = threadIdx.x, tile = blockIdx.x, inputs = conv.tiles.inputs;
  WgradInput<Block> input(conv, shared);
  __syncthreads();
  input.aim(tile);
  copy_dy(conv, shared, tile, first_co, buffer);
#pragma unroll
  for (int step = 0; step < Block::steps; ++step) {
    input.load(step);
    input.store(step, buffer);
  }
  wait_for_copies();
  __syncthreads();
  const char* dy_from = shared.dy + buffer * Block::dy_planes * Block::dy_plane;
  for (int i = t; i < Block::dy_planes * Block::pixels && blockIdx.y == 0; i += Block::threads)
    dy[tile * Block::dy_planes * Block::pixels + i] = *reinterpret_cast<const uint4*>(
        dy_from + i / Block::pixels * Block::dy_plane + 16 * (i % Block::pixels));
  const char* x_from = shared.x + buffer * Block::x_planes * shared.x_plane;
  for (int i = t; i < Block::x_planes * inputs; i += Block::threads)
    x[(blockIdx.y * gridDim.x + tile) * Block::x_planes * inputs + i] = *reinterpret_cast<const uint4*>(
        x_from + i / inputs * shared.x_plane + 16 * conv.tiles.input({}, i % inputs).slot);
}

bf16 code(int pixel, int channel, int channels) {
  return {static_cast<std::uint16_t>(1 + pixel * channels + channel)};
}

// Of the numbers of `channels` from `first` on, those of pixel `pixel`; zeros where it is not there.
template <class Code>
bool holds(const uint4& vector, int pixel, int first, int channels, const Code& expected) {
  const unsigned words[4] = {vector.x, vector.y, vector.z, vector.w};
  for (int i = 0; i < 8; ++i) {
    const bool there = pixel >= 0 && first + i < channels;
    if ((words[i / 2] >> (16 * (i % 2)) & 0xFFFF) != (there ? expected(pixel, first + i).bits : 0u))
      return false;
  }
  return true;
}

template <class Block>
void check_operands(const PixelTiles& tiles) {
  REQUIRE(tiles.rows * tiles.width == Block::pixels);
  const int pixels = tiles.N * tiles.H * tiles.W, in_pixels = tiles.N * tiles.in_H * tiles.in_W;
  const auto of_dy = [](int pixel, int c) { return code(pixel, c, Co); };
  const auto of_x = [](int pixel, int c) { return code(pixel, c, Ci); };
  Numbers<bf16> dy(static_cast<std::size_t>(pixels * Co), [&](int i) { return of_dy(i / Co, i % Co); });
  Numbers<bf16> first(static_cast<std::size_t>(in_pixels * first_channels),
                      [&](int i) { return of_x(i / first_channels, i % first_channels); });
  Numbers<bf16> second(static_cast<std::size_t>(in_pixels * second_channels), [&](int i) {
    return of_x(i / second_channels, first_channels + i % second_channels);
  });
  const ConvWgrad conv{.tiles = tiles,
                       .Co = Co,
                       .first_channels = first_channels,
                       .Ci = Ci,
                       .x = {{first}, {second}},
                       .dy = dy,
                       .sums = {}};
  constexpr int columns = (Ci + Block::read - 1) / Block::read;
  for (int first_co = 0; first_co < Co; first_co += Block::made) {
    Numbers<uint4> dy_vectors(static_cast<std::size_t>(tiles.count * Block::dy_planes * Block::pixels));
    Numbers<uint4> x_vectors(
        static_cast<std::size_t>(columns * tiles.count * Block::x_planes * tiles.inputs));
    CudaRig().run(bring<Block>, {tiles.count, columns}, Block::threads,
                  static_cast<std::size_t>(Block::shared_bytes(tiles)), conv, first_co, dy_vectors,
                  x_vectors);
    for (std::size_t at = 0; at < dy_vectors.size(); ++at) {
      const int i = static_cast<int>(at), p = i % Block::pixels, plane = i / Block::pixels % Block::dy_planes,
                tile = i / Block::pixels / Block::dy_planes;
      INFO("dy of tile ", tile, ", place ", p, ", channels from ", first_co + 8 * plane);
      CHECK(holds(dy_vectors[at], tiles.output(tiles.place(tile), p), first_co + 8 * plane, Co, of_dy));
    }
    for (std::size_t at = 0; at < x_vectors.size(); ++at) {
      const int i = static_cast<int>(at), input = i % tiles.inputs,
                plane = i / tiles.inputs % Block::x_planes,
                tile = i / tiles.inputs / Block::x_planes % tiles.count,
                column = i / tiles.inputs / Block::x_planes / tiles.count;
      const int c = column * Block::read + 8 * plane;
      INFO("x of tile ", tile, ", input ", input, ", channels from ", c);
      CHECK(holds(x_vectors[at], tiles.input(tiles.place(tile), input).pixel, c, Ci, of_x));
    }
  }
  // Threads side by side fill the planes in turn, pixel by pixel.
  check_quarters(Block::threads,
                 [](int t) { return t % Block::dy_planes * Block::dy_plane + t / Block::dy_planes * 16; });
}

}  // namespace

TEST_CASE("dy and x lie in their planes, at their pixels' places") {
  check_operands<WgradBlock<4, 2, 2, 2, 3, 1>>(pixel_tiles(1, 9, 17, 1));
  check_operands<WgradBlock<7, 1, 4, 2, 3, 1>>(pixel_tiles(3, 7, 7, 1));
  check_operands<WgradBlock<4, 1, 2, 4, 3, 2>>(strided_tiles(1, 11, 35));
  check_operands<WgradBlock<7, 2, 1, 4, 1, 1>>(pixel_tiles(1, 13, 14, 0));
  check_operands<WgradBlock<7, 2, 2, 2, 1, 1>>(pixel_tiles(1, 13, 14, 0));
}
