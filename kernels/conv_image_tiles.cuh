// Images of 3 channels in tiles of 4 rows of 16 pixels, one to a warp: how a warp brings the 6 rows of 18
// pixels that a 3x3 convolution of a tile reads.
#pragma once

#include "kernels/bf16.h"
#include "kernels/conv2d.h"
#include "kernels/pixel_tiles.h"

namespace fermion::kernels {

struct ImageTile {
  static constexpr int rows = 4, width = 16, pixels = rows * width, most_images = 1;
  static constexpr int read_rows = rows + 2, read_width = width + 2;
};

inline PixelTiles image_tiles(const Conv2d& dims) {
  const auto N = static_cast<int>(dims.N), H = static_cast<int>(dims.H), W = static_cast<int>(dims.W);
  return cut_into_tiles<ImageTile>(
      {.N = N, .H = H, .W = W, .in_H = H, .in_W = W, .reach = 3, .pad = 1, .stride = 1, .up = 1}, H, W);
}

// Two numbers of each row that lie `apart` from each other, 0 outside the image. first: the lane's first
// among the 54 of a tile's row, or -1 where it brings none.
class ImageRows {
 public:
  __device__ ImageRows(const PixelTiles& tiles, const bf16* x, int first, int apart)
      : tiles_(tiles), x_(x), first_(first), apart_(apart) {}

  __device__ void load(int tile) {
    const PixelTiles::Place place = tiles_.place(tile);
    const int line = 3 * tiles_.W, from = 3 * (place.column - 1) + first_, to = from + apart_;
    const bool low = first_ >= 0 && from >= 0 && from < line, high = first_ >= 0 && to >= 0 && to < line;
#pragma unroll
    for (int r = 0; r < ImageTile::read_rows; ++r) {
      const int h = place.row - 1 + r;
      const bool inside = h >= 0 && h < tiles_.H;
      const bf16* row = x_ + (std::int64_t{place.image} * tiles_.H + h) * line;
      words[r] = (inside && low ? row[from].bits : 0u) | (inside && high ? row[to].bits : 0u) << 16;
    }
  }

  unsigned words[ImageTile::read_rows];  // the first in the lower half

 private:
  const PixelTiles& tiles_;
  const bf16* x_;
  int first_, apart_;
};

}  // namespace fermion::kernels
