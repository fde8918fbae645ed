// Weights of a convolution on tensor cores (kernels/conv_weights.cuh): every weight in the operand B of its
// tap, by numbers that name their output channel, their tap or their input channel.
#include "kernels/conv_weights.cuh"
#include "kernels/launch.cuh"
#include "tests/kernels/banks.h"
#include "tests/kernels/cuda_rig.cuh"

using namespace fermion::kernels;
using namespace fermion::test;

namespace {

constexpr int sets = 2, chunks = 3, depth = 16 * chunks, made = 40;

// Registers of all taps, [set][block of channels][chunk][tap][column][lane][8], and a lane's address.
template <class Block>
__global__ void load_weights(const __grid_constant__ ConvMma conv, unsigned* registers, unsigned* addresses) {
  const ConvShared<Block> shared(conv);
  WeightFetch<Block> weights(conv, shared);
  for (int step = 0; step < Block::steps(conv.chunks); ++step)
    for (int row = 0; row < Block::products / Block::kernel; ++row) {
      weights.load(row, step);
      weights.store(row, step);
    }
  __syncthreads();
  const int column = threadIdx.x / 32, lane = threadIdx.x % 32;
  if (column >= Block::columns) return;
  const unsigned address = weight_address(shared, column);
  if (blockIdx.y + blockIdx.z == 0) addresses[threadIdx.x] = address;
  for (int chunk = 0; chunk < conv.chunks; ++chunk)
    for (int tap = 0; tap < Block::taps; ++tap) {
      unsigned w[2][4];
      load_product<Block>(w, address + chunk / Block::step_chunks * Block::weight_step,
                          chunk % Block::step_chunks * Block::taps + tap);
      const unsigned block = blockIdx.z * gridDim.y + blockIdx.y;
      unsigned* to =
          registers + (((block * conv.chunks + chunk) * Block::taps + tap) * Block::columns + column) * 256;
      for (int i = 0; i < 8; ++i) to[8 * lane + i] = w[i / 4][i % 4];
    }
}

enum Name { output_channel, tap, input_channel };
constexpr const char* names[] = {"output channel", "tap", "input channel"};

template <class Block>
void check_weights(Name name) {
  constexpr int outputs = Block::gradient ? depth : made, inputs = Block::gradient ? made : depth,
                blocks = (made + Block::channels - 1) / Block::channels;
  Numbers<float> weight(sets * outputs * Block::taps * inputs, [&](int i) {
    const int set = i / (outputs * Block::taps * inputs), ci = i % inputs, t = i / inputs % Block::taps,
              co = i / inputs / Block::taps % outputs;
    return static_cast<float>(1 + 100 * set + (name == output_channel ? co : name == tap ? t : ci));
  });
  const ConvMma conv{.tiles = pixel_tiles(1, 16, 16, Block::kernel / 2),
                     .first_chunks = chunks,
                     .chunks = chunks,
                     .Co = made,
                     .x = {},
                     .weight = weight,
                     .weight_row = inputs};
  constexpr int registers_of_block = chunks * Block::taps * Block::columns * 256;
  Numbers<unsigned> registers(sets * blocks * registers_of_block), addresses(32 * Block::columns);
  CudaRig().run(load_weights<Block>, {1, blocks, sets}, Block::threads,
                static_cast<std::size_t>(Block::shared_bytes(conv.tiles, chunks)), conv, registers,
                addresses);
  check_quarters(32 * Block::columns, [&](int i) { return addresses[i]; });
  for (int at = 0; at < sets * blocks * registers_of_block; ++at) {
    const int i = at % 8, lane = at / 8 % 32, column = at / 256 % Block::columns,
              t = at / 256 / Block::columns % Block::taps,
              chunk = at / 256 / Block::columns / Block::taps % chunks, block = at / registers_of_block;
    // Fragment j's b0 or b1: two numbers of the depth, of one channel.
    const int j = i / 2, g = lane / 4, q = lane % 4;
    const int channel = block % blocks * Block::channels + 32 * column + 8 * (g / 2) + 2 * j + g % 2;
    unsigned expected = 0;
    for (int half = 0; half < 2 && channel < made; ++half) {
      const int d = 16 * chunk + 8 * (i % 2) + 2 * q + half;
      const int co = Block::gradient ? d : channel, ci = Block::gradient ? channel : d,
                stored_tap = Block::gradient ? Block::taps - 1 - t : t;
      const float value = weight[((block / blocks * outputs + co) * Block::taps + stored_tap) * inputs + ci];
      expected |= static_cast<unsigned>(from_float<bf16>(value).bits) << (16 * half);
    }
    INFO("block ", block, ", chunk ", chunk, ", tap ", t, ", column ", column, ", lane ", lane, ", register ",
         i);
    CHECK(registers[at] == expected);
  }
}

__global__ void places(int* place, int* channel) {
  place[threadIdx.x] = weight_place(threadIdx.x);
  channel[threadIdx.x] = weight_channel(threadIdx.x);
}

}  // namespace

TEST_CASE("of 64 channels, each has a place of its own among its 32, and a place its channel") {
  Numbers<int> place(64), channel(64);
  CudaRig().run(places, {1}, 64, 0, place, channel);
  for (int c = 0; c < 64; ++c) {
    CHECK(place[c] / 32 == c / 32);
    CHECK(channel[place[c]] == c);
  }
}

TEST_CASE("every weight is in the operand of its tap, zeros where there is no channel") {
  for (const Name name : {output_channel, tap, input_channel}) {
    INFO("weights name their ", names[name]);
    check_weights<ConvBlock<false, 4, 4, 2, 3, 1, Depth::resident>>(name);
    check_weights<ConvBlock<false, 4, 8, 1, 3, 1, Depth::resident>>(name);
    check_weights<ConvBlock<false, 4, 4, 2, 1, 1, Depth::resident>>(name);
    check_weights<ConvBlock<true, 4, 4, 2, 3, 1, Depth::resident>>(name);
    check_weights<ConvBlock<true, 4, 8, 1, 3, 1, Depth::resident>>(name);
    check_weights<ConvBlock<true, 4, 4, 2, 1, 1, Depth::resident>>(name);
  }
}
