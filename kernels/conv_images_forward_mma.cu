// conv2d's forward of images on tensor cores: the sums over 27 numbers of a pixel, y, rounded to bf16, and of
// what is stored mean and 1 / std of each channel; or bias and ReLU. One launch; the patches of pixels never
// reach memory: of 64 images of 112 x 112 pixels 43 MB, written and read.
//
// A warp makes a tile of 4 rows of 16 pixels (kernels/conv_image_tiles.cuh), a fragment each, by 32 channels.
// The depth of the product is 15 pairs of numbers, padded to 16: of the 9 numbers of a row of taps, which lie
// side by side in the image, numbers 2j and 2j + 1 are pair j of that row, the ninth one is alone. Depths 0
// to 7, 8 to 15 and 16 to 23 are pairs 0 to 3 of the three rows, 24 to 29 their last. For pixels of odd
// columns pairs begin at an odd number; so the tile's rows lie in shared memory twice, the second time one
// number further on:
//
//   [warps][2 copies, 208 words apart][6 rows, 33 words apart] x 27 or 28 pairs
//
// The weights stay in registers. No access meets a bank twice. Grid: x persistent blocks, y channels, z
// weight sets.
#include <stdexcept>

#include "kernels/conv_finish_forward.cuh"
#include "kernels/conv_image_tiles.cuh"
#include "kernels/conv_images_mma.h"
#include "kernels/conv_tiles.h"
#include "kernels/conv_weights.cuh"
#include "kernels/launch.cuh"
#include "kernels/mma.cuh"

namespace fermion::kernels {

// What finish_tile() asks for.
struct ImageBlock : ImageTile {
  static constexpr int warps = 6, threads = 32 * warps, resident_blocks = 2;
  static constexpr int fragments = rows, tiles = warps, channels = 32;
  static constexpr bool doubling = false;
  static constexpr Depth depth = Depth::resident;
  static constexpr int pitch = 33, copy = 208, words = 2 * copy;  // of a warp
};
template <>
struct ConvShared<ImageBlock> {
  char *pixels, *rest;
};

namespace {

// B of 32 channels (kernels/conv_weights.cuh): [depths by 16][8 channels][depths 0 to 7, 8 to 15 of them].
struct ImageWeights {
  unsigned at[2][4][2];

  __device__ explicit ImageWeights(const ConvMma& conv) {
    const int g = threadIdx.x % 32 / 4, q = threadIdx.x % 4;
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const int c = static_cast<int>(blockIdx.y) * ImageBlock::channels + weight_channel(8 * j + g);
      const bool there = c < conv.Co;
      const float* w = conv.weight + (std::int64_t{blockIdx.z} * conv.Co + (there ? c : 0)) * 27;
#pragma unroll
      for (int row = 0; row < 3; ++row)
        at[row / 2][j][row % 2] = there ? pack(w[9 * row + 2 * q], w[9 * row + 2 * q + 1]) : 0;
      at[1][j][1] = there && q < 3 ? pack(w[9 * q + 8], 0) : 0;
    }
  }
};

// A row's pairs to both copies.
__device__ void store_rows(const ImageRows& rows, unsigned* to) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int r = 0; r < ImageBlock::read_rows; ++r) {
    const unsigned before = __shfl_up_sync(0xFFFFFFFF, rows.words[r], 1);
    if (lane >= 28) continue;
    to[ImageBlock::pitch * r + lane] = rows.words[r];
    to[ImageBlock::copy + ImageBlock::pitch * r + lane] = __byte_perm(before, rows.words[r], 0x5432);
  }
}

__device__ void multiply(const unsigned* rows, const ImageWeights& weights, ConvSums<ImageBlock>& sums) {
  const int g = threadIdx.x % 32 / 4, q = threadIdx.x % 4, odd = g % 2;
  const unsigned* from = rows + odd * ImageBlock::copy + (3 * g + odd) / 2;
  const unsigned* last = from + (q < 3 ? q : 0) * ImageBlock::pitch + 4;
  const unsigned mask = q < 3 ? 0xFFFF : 0;
  constexpr int eight = 12;  // words from a pixel to the eighth after it
  unsigned pairs[ImageBlock::read_rows][2];
#pragma unroll
  for (int r = 0; r < ImageBlock::read_rows; ++r)
#pragma unroll
    for (int h = 0; h < 2; ++h) pairs[r][h] = from[ImageBlock::pitch * r + q + eight * h];
#pragma unroll
  for (int f = 0; f < ImageBlock::fragments; ++f) {
    const unsigned a[2][4] = {{pairs[f][0], pairs[f][1], pairs[f + 1][0], pairs[f + 1][1]},
                              {pairs[f + 2][0], pairs[f + 2][1], last[ImageBlock::pitch * f] & mask,
                               last[ImageBlock::pitch * f + eight] & mask}};
#pragma unroll
    for (int k = 0; k < 2; ++k)
#pragma unroll
      for (int j = 0; j < 4; ++j) mma(sums.at[f][j], a[k], weights.at[k][j][0], weights.at[k][j][1]);
  }
}

__global__ void __launch_bounds__(ImageBlock::threads, ImageBlock::resident_blocks)
    image_conv_kernel(const __grid_constant__ ConvMma conv, const __grid_constant__ ConvForward output) {
  extern __shared__ unsigned memory[];
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  unsigned* rows = memory + warp * ImageBlock::words;
  const ConvShared<ImageBlock> shared{
      reinterpret_cast<char*>(memory),
      reinterpret_cast<char*>(memory + ImageBlock::warps * ImageBlock::words)};
  static_assert(ImageBlock::tiles * ImageBlock::channels == ImageBlock::threads);  // each warp its own tile's
  prepare_finish(conv, output, shared);

  const ImageWeights weights(conv);
  const std::int64_t image = std::int64_t{3} * conv.tiles.H * conv.tiles.W;
  ImageRows next(conv.tiles, conv.x.first.y + blockIdx.z * conv.tiles.N * image,
                 2 * lane < 3 * ImageBlock::read_width ? 2 * lane : -1, 1);
  const int count = conv.tiles.count, step = gridDim.x * ImageBlock::warps;
  int tile = static_cast<int>(blockIdx.x) * ImageBlock::warps + warp;
  if (tile < count) next.load(tile);
  for (; tile < count; tile += step) {
    __syncwarp();
    store_rows(next, rows);
    __syncwarp();
    if (tile + step < count) next.load(tile + step);
    ConvSums<ImageBlock> sums{};
    multiply(rows, weights, sums);
    finish_tile(conv, output, shared, tile, warp, 0, sums);
  }
  finish_channels(conv, output, shared);
}

}  // namespace

void conv2d_images_forward_mma(Cuda ctx, const Conv2d& dims, const Conv2dInput<bf16>& x, const float* weight,
                               const Conv2dOutput<bf16>& y) {
  const ConvMma conv{.tiles = image_tiles(dims),
                     .first_chunks = 0,
                     .chunks = 0,
                     .Co = static_cast<int>(dims.Co),
                     .x = x,
                     .weight = weight,
                     .weight_row = 3};
  const std::int64_t columns = blocks_for(dims.Co, ImageBlock::channels),
                     items = blocks_for(conv.tiles.count, ImageBlock::warps);
  const std::int64_t blocks =
      blocks_in_rounds(items, ImageBlock::resident_blocks * ctx.multiprocessors / (columns * dims.K));
  ConvForward output{.y = y};
  if (y.mean) {
    if (columns * dims.K > Cuda::counter_count)
      throw std::runtime_error("conv2d: too many channels or weight sets");
    output.rows = ctx.workspace.take<Moments>(dims.K * blocks * dims.Co);
    output.counters = ctx.counters;
  }
  constexpr int shared = 4 * ImageBlock::warps * ImageBlock::words + ConvForward::shared_bytes<ImageBlock>();
  launch(ctx, image_conv_kernel, {blocks, columns, dims.K}, ImageBlock::threads, shared, conv, output);
}

}  // namespace fermion::kernels
