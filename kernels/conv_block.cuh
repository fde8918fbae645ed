// What one launch of a convolution on tensor cores does (kernels/conv_mma.cuh), and how a block is laid out.
#pragma once

#include "kernels/channel_moments.cuh"
#include "kernels/conv2d.h"
#include "kernels/pixel_tiles.h"
#include "kernels/vec.cuh"

namespace fermion::kernels {

struct ConvMma {
  PixelTiles tiles;
  int first_chunks, chunks;  // of 16 input channels: of the first input, of both
  int Co;
  Conv2dInput<bf16> x;
  const float* weight;  // [K, Co, taps, 16 chunks]
  Conv2dOutput<bf16> y;
  Moments* moments = nullptr;    // [K, gridDim.x, Co], or null
  unsigned* counters = nullptr;  // [K, gridDim.y], zeros
};

// Resident: the weights of all chunks fit into shared memory.
template <int Fragments, int Tiles, int Columns, int Kernel, bool Resident>
struct ConvBlock {
  static constexpr int fragments = Fragments, tiles = Tiles, columns = Columns, kernel = Kernel;
  static constexpr bool resident = Resident;
  static constexpr int taps = Kernel * Kernel, threads = 32 * Tiles * Columns, channels = 32 * Columns;
  static constexpr int weight_plane = 16 * (channels + 4), weight_chunk = 2 * taps * weight_plane;  // bytes

  static constexpr int rows = Fragments == 7 ? 8 : 4, width = 16 * Fragments / rows;
  // The vectors of input pixels that one thread fetches, where most images lie side by side.
  static constexpr int pad = Kernel / 2,
                       most_inputs = (rows + 2 * pad) * (width + 2 * pad * (Fragments == 7 ? 2 : 4));
  static constexpr int fetched_vectors = (Tiles * 2 * most_inputs + threads - 1) / threads;

  // While how many taps are multiplied, some of the next vectors are on their way.
  static constexpr int part_taps = fetched_vectors > 6 ? 1 : Kernel;

  static int shared_bytes(const PixelTiles& tiles_of, int chunks) {
    return 2 * Tiles * 2 * 16 * tiles_of.slots() + (Resident ? chunks : 2) * weight_chunk +
           2 * 4 * 16 * chunks + Tiles * channels * static_cast<int>(sizeof(Moments)) +
           2 * fetched_vectors * threads;
  }
};

// Where a block's things lie in shared memory.
template <class Block>
struct ConvShared {
  char* pixels;
  char* weights;
  float *scale, *offset;  // of each input channel: value(x) = relu?(y scale + offset)
  Moments* moments;       // [tiles][channels]
  int* sources;           // the input pixels of the block's tiles, -1 for zeros
  int plane, buffer;      // bytes

  __device__ explicit ConvShared(const ConvMma& conv) {
    extern __shared__ uint4 memory[];
    plane = 16 * conv.tiles.slots();
    buffer = Block::tiles * 2 * plane;
    pixels = reinterpret_cast<char*>(memory);
    weights = pixels + 2 * buffer;
    scale = reinterpret_cast<float*>(weights + (Block::resident ? conv.chunks : 2) * Block::weight_chunk);
    offset = scale + 16 * conv.chunks;
    moments = reinterpret_cast<Moments*>(offset + 16 * conv.chunks);
    sources = reinterpret_cast<int*>(moments + Block::tiles * Block::channels);
  }
};

// A warp's sums: fragments of 16 pixels by 4 of 8 channels.
template <class Block>
struct ConvSums {
  float at[Block::fragments][4][4];
};

}  // namespace fermion::kernels
