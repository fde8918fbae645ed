// How the pixels of a convolution on tensor cores are cut into tiles, and how many blocks share a tile, or
// those of a gradient by its weights. Host code, in builds without CUDA too.
#pragma once

#include <algorithm>

#include "kernels/conv2d.h"
#include "kernels/conv_transpose2d.h"
#include "kernels/pixel_tiles.h"

namespace fermion::kernels {

// Of a 1x1 convolution all pixels are one image: its tiles may be cut anywhere.
inline PixelTiles conv_tiles(const Conv2d& dims) {
  const auto N = static_cast<int>(dims.N), H = static_cast<int>(dims.H), W = static_cast<int>(dims.W);
  if (dims.stride == 2) return strided_tiles(N, H, W);
  if (dims.kernel == 3) return pixel_tiles(N, H, W, 1);
  for (const int width : {14, 16})
    if (dims.N * dims.H * dims.W % width == 0) return pixel_tiles(1, N * H * W / width, width, 0);
  return pixel_tiles(N, H, W, 0);
}

// Those of its gradient by the input.
inline PixelTiles conv_gradient_tiles(const Conv2d& dims) {
  if (dims.stride == 1) return conv_tiles(dims);
  return strided_gradient_tiles(static_cast<int>(dims.N), static_cast<int>(dims.H), static_cast<int>(dims.W));
}

// A transposed 2x2 convolution as the 1x1 convolution that it is.
inline Conv2d pointwise(const ConvTranspose2d& dims) {
  return {.N = dims.N, .H = dims.H, .W = dims.W, .first_channels = dims.Ci, .Co = 4 * dims.Co, .kernel = 1};
}

// As many blocks as do `items` of work in as few rounds, where `slots` blocks run at a time.
inline std::int64_t blocks_in_rounds(std::int64_t items, std::int64_t slots) {
  return blocks_for(items, blocks_for(items, std::max<std::int64_t>(slots, 1)));
}

// 3x3 convolutions of at most 32 output channels are made by blocks of eight tiles by 32 channels, others by
// four by 64. Where places are `stride` 2 input pixels apart, those of eight tiles fill too much memory.
constexpr bool has_narrow_blocks(int kernel, int stride) {
  return kernel == 3 && stride == 1;
}

// Of a block that makes a gradient by the weights, output and input channels.
struct WgradWidths {
  int made, read;
};
constexpr WgradWidths wgrad_widths(int kernel, std::int64_t Co, std::int64_t Ci) {
  if (kernel == 1) return {64, Ci <= 64 ? 64 : 128};
  return {Co <= 32 ? 32 : 64, Ci <= 32 ? 32 : 64};
}

// Of 16 channels, that a step through the depth takes: of a 1x1 convolution one alone is too little work.
constexpr int chunks_of_step(int kernel) {
  return kernel == 1 ? 2 : 1;
}

// How many blocks share the tiles of one, of which there would be `blocks`, and multiprocessors run `slots`
// at a time: what takes the least time, in microseconds on an H200. There a step through the depth takes 4.3
// by tiles of 7 fragments, of a 1x1 convolution at most 3.5; all multiprocessors together leave their blocks'
// sums, `bytes` each, at 42 KB (5.5 TB/s of the L2 cache), and a few read them at 110 (64 bytes a clock). All
// sums fit the cache of an A100.
inline int blocks_that_share(int steps, int kernel, std::int64_t bytes, std::int64_t blocks,
                             std::int64_t slots) {
  const double step = kernel == 3 ? 4.3 : 3.5, kilobytes = static_cast<double>(bytes) / 1e3;
  constexpr std::int64_t cache = 40 << 20;
  int best = 1;
  double least = step * steps * static_cast<double>(blocks_for(blocks, slots));
  for (int share = 2; share <= steps && blocks * share * bytes <= cache; ++share) {
    const auto rounds = static_cast<double>(blocks_for(blocks * share, slots));
    const double time = rounds * (step * static_cast<double>(blocks_for(steps, share)) + kilobytes / 42) +
                        share * kilobytes / 110;
    if (time < least) best = share, least = time;
  }
  return best;
}

// A gradient of stride 2 leaves no registers for it.
inline bool can_share(const PixelTiles& tiles, std::int64_t Co) {
  return Co > 32 && tiles.up == 1;
}

// The blocks that make a convolution where several share their tiles (kernels/conv_depth.cuh), one at a time
// on a multiprocessor: each 4 tiles by 64 channels.
struct DepthBlocks {
  std::int64_t items, columns;  // of tiles, of channels
  std::int64_t bytes;           // of the sums of one
  int of_tile;                  // that share tiles; 1: there are enough without

  // Co: channels that are made.
  DepthBlocks(const PixelTiles& tiles, int chunks, int kernel, std::int64_t Co, std::int64_t K,
              std::int64_t multiprocessors)
      : items(blocks_for(tiles.count, 4)),
        columns(blocks_for(Co, 64) * K),
        bytes(std::int64_t{4} * 4 * 64 * tiles.rows * tiles.width),
        of_tile(can_share(tiles, Co)
                    ? blocks_that_share(static_cast<int>(blocks_for(chunks, chunks_of_step(kernel))), kernel,
                                        bytes, items * columns, multiprocessors)
                    : 1) {}

  // Of what they leave and read.
  double scratch() const {
    return of_tile == 1 ? 0 : 2 * static_cast<double>(items * columns * of_tile * bytes);
  }
};

}  // namespace fermion::kernels
