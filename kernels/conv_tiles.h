// How the pixels of a convolution on tensor cores are cut into tiles, and how many blocks share those of a
// gradient by its weights. Host code, in builds without CUDA too.
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

// A transposed 2x2 convolution as the 1x1 convolution that it is.
inline Conv2d pointwise(const ConvTranspose2d& dims) {
  return {.N = dims.N, .H = dims.H, .W = dims.W, .first_channels = dims.Ci, .Co = 4 * dims.Co, .kernel = 1};
}

// As many blocks as do `items` of work in as few rounds, where `slots` blocks run at a time.
inline std::int64_t blocks_in_rounds(std::int64_t items, std::int64_t slots) {
  return blocks_for(items, blocks_for(items, std::max<std::int64_t>(slots, 1)));
}

}  // namespace fermion::kernels
