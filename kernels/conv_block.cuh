// What one launch of a convolution on tensor cores does (kernels/conv_mma.cuh), and how a block is laid out.
#pragma once

#include "kernels/conv_tiles.h"
#include "kernels/doubled_pixels.h"
#include "kernels/pixel_tiles.h"
#include "kernels/vec.cuh"

namespace fermion::kernels {

// How a block goes through the channels that are summed over.
enum class Depth {
  resident,  // the weights of all stay in shared memory, while it goes on to its next tiles
  streamed,  // with the weights of two steps at a time
  split      // so too, but through a part of them: several blocks share a tile (kernels/conv_depth.cuh)
};

struct SplitDepth {
  int blocks = 1;                // that share a tile, one after another in x
  float4* sums = nullptr;        // [K, gridDim.y, gridDim.x], of each what its threads have summed
  unsigned* counters = nullptr;  // [K, gridDim.y, gridDim.x / blocks], zeros
};

struct ConvMma {
  PixelTiles tiles;
  int first_chunks, chunks;  // of 16 channels that are summed over: of the first input, of both
  int Co;                    // channels that are made
  Conv2dInput<bf16> x;
  const float* weight;
  std::int64_t weight_row;     // how many weights of one tap lie side by side
  DoubledPixels doubled = {};  // of the transposed 2x2 convolution
  SplitDepth split = {};
};

// What a convolution's tap (a, b) reads and makes, tap = a Kernel + b, for a place of kernels/pixel_tiles.h:
// the pixel `line` lines and `column` slots further on than tap (0, 0) does, for one of its phases. In the
// gradient by the input the taps are turned over: an output pixel 2 i takes dy at i, by tap 1; 2 i + 1 at i,
// by tap 0, and at i + 1, by tap 2.
template <bool Gradient, int Kernel, int Stride>
struct ConvTap {
  static constexpr int up = Gradient ? Stride : 1, stride = Gradient ? 1 : Stride;
  int line, column, phase;

  FERMION_HOST_DEVICE constexpr explicit ConvTap(int tap) {
    const int a = tap / Kernel, b = tap % Kernel;
    line = up == 2 ? a / 2 : a * stride + b % stride;
    column = up == 2 ? b / 2 : b / stride;
    phase = up == 2 ? 2 * (a != 1) + (b != 1) : 0;
  }
};

// Gradient: by the input.
template <bool Gradient, int Fragments, int Tiles, int Columns, int Kernel, int Stride, Depth Depth_>
struct ConvBlock {
  using Tap = ConvTap<Gradient, Kernel, Stride>;
  static constexpr int tile_fragments = Fragments, tiles = Tiles, columns = Columns, kernel = Kernel;
  static constexpr int phases = Tap::up * Tap::up, fragments = phases * Fragments;  // made by a warp
  static constexpr Depth depth = Depth_;
  static constexpr bool gradient = Gradient, resident = depth == Depth::resident, doubling = false;
  static constexpr int taps = Kernel * Kernel, threads = 32 * Tiles * Columns, channels = 32 * Columns;
  // A step goes through 16 channels of the depth, of a 1x1 convolution 32: one product more, tap after tap.
  static constexpr int step_chunks = chunks_of_step(Kernel), products = taps * step_chunks,
                       planes = 2 * step_chunks;
  // Bytes: of 8 numbers of the depth of all channels; or of one number of the depth.
  static constexpr int weight_plane = 16 * (channels + 4), weight_line = 2 * (channels + 8);
  static constexpr int weight_tap = Gradient ? 16 * weight_line : 2 * weight_plane,
                       weight_step = products * weight_tap;

  using Pixels = TilePixels<Fragments, Tap::up == 2 ? 2 : Kernel, Tap::stride>;
  // The vectors of input pixels that one thread fetches, where most images lie side by side.
  static constexpr int fetched_vectors =
      (Tiles * planes * ((Pixels::most_inputs + 3) / 4 * 4) + threads - 1) / threads;

  // While how many products are made, some of the next vectors are on their way.
  static constexpr int part_products = fetched_vectors > 6 ? 1 : Kernel, parts = products / part_products;

  FERMION_HOST_DEVICE static constexpr int steps(int chunks) {
    return (chunks + step_chunks - 1) / step_chunks;
  }
  // dy has no norm.
  FERMION_HOST_DEVICE static constexpr int normed_channels(int chunks) {
    return Gradient ? 0 : 16 * step_chunks * steps(chunks);
  }
  static int shared_bytes(const PixelTiles& tiles_of, int chunks) {
    return 2 * Tiles * planes * 16 * tiles_of.slots(planes) + (resident ? steps(chunks) : 2) * weight_step +
           2 * 4 * normed_channels(chunks) + 4 * fetched_vectors * threads / planes;
  }
};

// The transposed 2x2 convolution, as a 1x1 one: forward with 4 C channels, tap C + c, that are stored to the
// doubled image; by the input with 4 C channels that are summed over, by 16 of each tap.
template <bool Gradient, int Fragments, Depth Depth_>
struct DoublingBlock : ConvBlock<Gradient, Fragments, 4, 2, 1, 1, Depth_> {
  static constexpr bool doubling = true;
};

// Where a block's things lie in shared memory.
template <class Block>
struct ConvShared {
  char* pixels;
  char* weights;
  float *scale, *offset;  // forward, of each input channel: value(x) = relu?(y scale + offset)
  int* sources;           // the input pixels of the block's tiles, -1 for zeros
  char* rest;             // aligned to 16 bytes
  int plane, buffer;      // bytes

  __device__ explicit ConvShared(const ConvMma& conv) {
    extern __shared__ uint4 memory[];
    const int steps = Block::steps(conv.chunks), channels = Block::normed_channels(conv.chunks);
    plane = 16 * conv.tiles.slots(Block::planes);
    buffer = Block::tiles * Block::planes * plane;
    pixels = reinterpret_cast<char*>(memory);
    weights = pixels + 2 * buffer;
    scale = reinterpret_cast<float*>(weights + (Block::resident ? steps : 2) * Block::weight_step);
    offset = scale + channels;
    sources = reinterpret_cast<int*>(offset + channels);
    rest = reinterpret_cast<char*>(sources) + 4 * Block::fetched_vectors * Block::threads / Block::planes;
  }
};

// Groups of Tiles tiles that are gone through side by side, and which is the block's: several blocks may
// share it.
template <class Block>
__device__ int tile_groups(const ConvMma& conv) {
  return static_cast<int>(Block::depth == Depth::split ? gridDim.x / conv.split.blocks : gridDim.x);
}
template <class Block>
__device__ int tile_group(const ConvMma& conv) {
  return static_cast<int>(Block::depth == Depth::split ? blockIdx.x / conv.split.blocks : blockIdx.x);
}

// A warp's sums: fragments of 16 pixels, those of the first phase first, by 4 of 8 channels.
template <class Block>
struct ConvSums {
  float at[Block::fragments][4][4];
};

}  // namespace fermion::kernels
