// Pixels of a convolution on tensor cores (kernels/conv_pixels.cuh): every tap's operand A has the pixels
// around its place, by numbers that name their pixel and channel, zeros outside the images, and the norm
// within them alone.
#include "kernels/conv_mma.cuh"
#include "tests/kernels/banks.h"
#include "tests/kernels/cuda_rig.cuh"

using namespace fermion::kernels;
using namespace fermion::test;

namespace {

constexpr int first_channels = 16, second_channels = 32, Ci = first_channels + second_channels,
              chunks = Ci / 16;

// Registers of all taps, [chunk][tile][fragment][tap][lane][4], and a lane's address of the first tap.
template <class Block>
__global__ void load_pixels(const __grid_constant__ ConvMma conv, unsigned* registers, unsigned* addresses) {
  const ConvShared<Block> shared(conv);
  prepare_norms(conv, shared);
  __syncthreads();
  PixelFetch<Block> pixels(conv, shared);
  const int t = threadIdx.x / 32 / Block::columns, column = threadIdx.x / 32 % Block::columns,
            lane = threadIdx.x % 32, tile = blockIdx.x * Block::tiles + t;
  const PixelAddresses<Block> of_pixels(conv, shared, t);
  pixels.aim(blockIdx.x * Block::tiles);
  for (int step = 0; step < Block::steps(conv.chunks); ++step) {
    const int buffer = step % 2;
    for (int part = 0; part < Block::parts; ++part) {
      pixels.load(part, step);
      pixels.store(part, step, buffer);
    }
    __syncthreads();
    if (column != 0 || tile >= conv.tiles.count) continue;
#pragma unroll
    for (int f = 0; f < Block::tile_fragments; ++f) {
      const unsigned address = of_pixels.of(f, 0);
      if (step == 0) addresses[(tile * Block::tile_fragments + f) * 32 + lane] = address;
      for (int product = 0; product < Block::products; ++product) {
        const int tap = product % Block::taps, of_step = product / Block::taps,
                  chunk = step * Block::step_chunks + of_step;
        if (chunk >= conv.chunks) break;
        const typename Block::Tap place(tap);
        unsigned x[4];
        load_matrices(x, of_pixels.of(f, place.line) + buffer * shared.buffer + of_step * 2 * shared.plane +
                             16 * place.column);
        const int fragment = (chunk * conv.tiles.count + tile) * Block::tile_fragments + f;
        unsigned* to = registers + (fragment * Block::taps + tap) * 128;
        for (int i = 0; i < 4; ++i) to[4 * lane + i] = x[i];
      }
    }
  }
}

template <class Block>
void check_pixels(const PixelTiles& tiles, bool normed) {
  REQUIRE(tiles.width == Block::Pixels::width);
  const int pixels = tiles.N * tiles.in_H * tiles.in_W;
  // With a norm x names its pixel, and the shift adds its channel.
  const auto code = [&](int pixel, int c) {
    return normed ? from_float<bf16>(static_cast<float>(1 + pixel % 64 + c))
                  : bf16{static_cast<std::uint16_t>(1 + pixel * Ci + c)};
  };
  const auto input = [&](int channels, int before) {
    return Numbers<bf16>(static_cast<std::size_t>(pixels * channels), [&](int i) {
      return normed ? from_float<bf16>(static_cast<float>(i / channels % 64))
                    : code(i / channels, before + i % channels);
    });
  };
  Numbers<bf16> first = input(first_channels, 0), second = input(second_channels, first_channels);
  Numbers<float> shift(Ci, [](int c) { return static_cast<float>(1 + c); }), ones(Ci, [](int) { return 1; }),
      zeros(Ci);
  ConvMma conv{.tiles = tiles,
               .first_chunks = first_channels / 16,
               .chunks = chunks,
               .Co = Block::channels,
               .x = {{first}, {second}},
               .weight = nullptr,
               .weight_row = 0};
  if (normed) {
    conv.x.first.norm = {.gain = ones, .shift = shift, .mean = zeros, .inv_std = ones};
    conv.x.second.norm = {.gain = ones, .shift = shift + first_channels, .mean = zeros, .inv_std = ones};
  }
  const int fragments = tiles.count * Block::tile_fragments;
  Numbers<unsigned> registers(static_cast<std::size_t>(chunks * fragments * Block::taps * 128)),
      addresses(static_cast<std::size_t>(fragments * 32));
  CudaRig().run(load_pixels<Block>, {blocks_for(tiles.count, Block::tiles)}, Block::threads,
                static_cast<std::size_t>(Block::shared_bytes(tiles, chunks)), conv, registers, addresses);
  check_quarters(fragments * 32, [&](int i) { return addresses[i]; });
  for (std::size_t at = 0; at < registers.size(); ++at) {
    const int word = static_cast<int>(at), i = word % 4, lane = word / 4 % 32, tap = word / 128 % Block::taps,
              fragment = word / 128 / Block::taps % fragments, chunk = word / 128 / Block::taps / fragments;
    const int place = fragment % Block::tile_fragments * 16 + i % 2 * 8 + lane / 4,
              c = 16 * chunk + i / 2 * 8 + 2 * (lane % 4);
    const int output = tiles.output(tiles.place(fragment / Block::tile_fragments), place);
    if (output < 0) continue;
    const int h = output / tiles.W % tiles.H * tiles.stride + tap / tiles.reach - tiles.pad,
              w = output % tiles.W * tiles.stride + tap % tiles.reach - tiles.pad,
              image = output / tiles.W / tiles.H;
    const bool inside = h >= 0 && h < tiles.in_H && w >= 0 && w < tiles.in_W;
    const int pixel = (image * tiles.in_H + h) * tiles.in_W + w;
    INFO("output ", output, ", tap ", tap, ", channel ", c);
    CHECK(registers[at] ==
          (inside ? code(pixel, c).bits | static_cast<unsigned>(code(pixel, c + 1).bits) << 16 : 0));
  }
}

}  // namespace

TEST_CASE("taps find the pixels around their place, with their channels, and zeros outside") {
  for (const bool normed : {false, true}) {
    INFO((normed ? "with a norm" : "plain"));
    check_pixels<ConvBlock<false, 4, 4, 2, 3, 1, Depth::resident>>(pixel_tiles(1, 9, 17, 1), normed);
    check_pixels<ConvBlock<false, 4, 4, 2, 3, 1, Depth::resident>>(pixel_tiles(5, 4, 4, 1), normed);
    check_pixels<ConvBlock<false, 7, 4, 2, 3, 1, Depth::resident>>(pixel_tiles(3, 7, 7, 1), normed);
    check_pixels<ConvBlock<false, 7, 4, 2, 1, 1, Depth::resident>>(pixel_tiles(1, 13, 14, 0), normed);
    check_pixels<ConvBlock<false, 4, 4, 2, 3, 2, Depth::resident>>(strided_tiles(1, 11, 35), normed);
  }
}
