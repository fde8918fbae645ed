// How a convolution's output pixels are cut into tiles for tensor cores, and where the pixels that a tile
// reads lie in shared memory.
//
// A tile is 8 rows of 14 places or 4 or 2 rows of 16: 7, 4 or 2 fragments of 16, place p at row p / width,
// column p % width. A place is an output pixel; in the gradient of a convolution of stride 2 it is a pixel of
// dy, and 2 x 2 output pixels, its phases. Images narrower than a tile lie in it side by side, `images` of
// them.
//
// Shared memory holds a tile's input pixels by slots of 8 channels, 16 bytes. A line is a row of input
// pixels, or with a stride of 2 every other pixel of it: line 2 r of row r the even ones, the next the odd
// ones. So what a tap reads for neighbouring places are neighbouring slots of a line, and from one tap to
// another all places' slots move alike. Of 8 or 16 places, lines and neighbouring images follow each other;
// of fewer, or 14, each starts 8 slots later than it would have to follow the last place's; with one tap
// alone, a place's slot is its number. So the slots that 8 neighbouring places, from a multiple of 8 on, read
// at any tap are 8 different ones modulo 8: no load of a matrix meets a bank twice.
//
// Input pixels are counted so that the slots of four, from a multiple of four on, are different ones modulo
// 4, for these are filled together (but where images of 4 places lie side by side): line after line, but of
// two images of 7 places side by side, whose lines begin at 0 and 3, then 2 and 1 modulo 4 and end as they
// begin, in the order 0, 1, 2, 3. Each tile begins at a multiple of four.
#pragma once

#include <cstdint>

#include "kernels/divisor.h"
#include "kernels/host_device.h"

namespace fermion::kernels {

struct PixelTiles {
  int N, H, W;     // output images
  int in_H, in_W;  // input images
  int reach, pad;  // a place's first tap reads `pad` pixels before it, its last reach - 1 further on
  int stride, up;  // from place to place: input pixels, output pixels; one of them is 1, both are at most 2
  int rows = 0, width = 0;   // of a tile: 8 by 14, 4 by 16 or 2 by 16
  int images = 1;            // side by side in a tile
  int across = 0, down = 0;  // tiles of an image, or of `images` side by side
  int count = 0;             // tiles of all
  int columns = 0;           // of a tile that belong to one image
  int lines = 0, wide = 0;   // of a tile's input pixels, slots of a line that belong to one image
  int side = 0, pitch = 0;   // slots from one image's to the next one's, from line to line
  int inputs = 0;            // input pixels of a tile
  bool crossed = false;      // whether pairs of lines of two images are counted in another order
  Divisor by_width = {}, by_columns = {}, by_across = {}, by_down = {};
  Divisor by_wide = {}, by_line = {};  // input pixels of an image's line, of a line
  Divisor by_inputs = {};              // of a tile, rounded up to a multiple of four

  // Slots of one plane of 8 channels, where `planes` of them, 2, 4 or more, are filled side by side: together
  // they fill all banks evenly.
  FERMION_HOST_DEVICE int slots(int planes = 2) const {
    const int used = lines * pitch;
    return used + (8 + 8 / (planes < 8 ? planes : 8) - used % 8) % 8;
  }

  // The slot that tap (0, 0) of place p reads. Tap (a, b) reads a stride + b % stride lines and b / stride
  // slots further on.
  FERMION_HOST_DEVICE int slot(int p) const {
    const int row = by_width.quotient(p), column = by_width.remainder(p);
    return row * stride * stride * pitch + column + (side - columns) * by_columns.quotient(column);
  }

  struct Place {
    int image, row, column;  // of the tile's first place, among places
  };
  FERMION_HOST_DEVICE Place place(int tile) const {
    const int line = by_across.quotient(tile);
    return {by_down.quotient(line) * images, by_down.remainder(line) * rows,
            by_across.remainder(tile) * columns};
  }
  // Of a phase of place p, the output pixel's index among all; -1 outside the images.
  FERMION_HOST_DEVICE int output(const Place& at, int p, int phase = 0) const {
    const int column = by_width.remainder(p), image = at.image + by_columns.quotient(column);
    const int h = (at.row + by_width.quotient(p)) * up + phase / 2,
              w = (at.column + by_columns.remainder(column)) * up + phase % 2;
    return image < N && h < H && w < W ? (image * H + h) * W + w : -1;
  }

  struct Input {
    int pixel;  // its index among all, -1 outside the images
    int slot;
  };
  FERMION_HOST_DEVICE Input input(const Place& at, int i) const {
    int line = by_line.quotient(i);
    const int rest = by_line.remainder(i), neighbour = by_wide.quotient(rest),
              column = by_wide.remainder(rest);
    // The second image's lines change places within their pair.
    if (crossed && neighbour == 1) line ^= 1;
    const int image = at.image + neighbour, h = at.row * stride + (line >> (stride - 1)) - pad,
              w = (at.column + column) * stride + (line & (stride - 1)) - pad;
    const bool inside = image < N && h >= 0 && h < in_H && w >= 0 && w < in_W;
    return {inside ? (image * in_H + h) * in_W + w : -1, line * pitch + neighbour * side + column};
  }
};

// What a kernel knows of its tiles before it runs.
template <int Fragments, int Reach, int Stride>
struct TilePixels {
  static constexpr int rows = Fragments == 7 ? 8 : Fragments, width = 16 * Fragments / rows;
  // Side by side: of 7 places; of 8, so that they do not take too much memory; of 4.
  static constexpr int most_images = Fragments == 7 || Stride == 2 ? 2 : 4;
  static constexpr int most_inputs =
      (Stride * (rows - 1) + Reach) * Stride * (width + (Reach - 1) / Stride * most_images);
};

// `tiles` cut from images of H x W places.
template <class Pixels>
PixelTiles cut_into_tiles(PixelTiles tiles, int H, int W) {
  tiles.rows = Pixels::rows;
  tiles.width = Pixels::width;
  tiles.images = tiles.width % W == 0 && tiles.width / W <= Pixels::most_images ? tiles.width / W : 1;
  tiles.across = tiles.images > 1 ? 1 : (W + tiles.width - 1) / tiles.width;
  tiles.down = (H + tiles.rows - 1) / tiles.rows;
  tiles.count = (tiles.N + tiles.images - 1) / tiles.images * tiles.across * tiles.down;
  tiles.columns = tiles.width / tiles.images;
  tiles.lines = (tiles.stride * (tiles.rows - 1) + tiles.reach) * tiles.stride;
  tiles.wide = tiles.columns + (tiles.reach - 1) / tiles.stride;
  tiles.side = tiles.columns % 8 == 0 || tiles.reach == 1 ? tiles.wide : tiles.columns + 8;
  tiles.pitch = tiles.images * tiles.side;
  tiles.inputs = tiles.lines * tiles.images * tiles.wide;
  tiles.by_width = Divisor(tiles.width), tiles.by_columns = Divisor(tiles.columns);
  tiles.by_across = Divisor(tiles.across), tiles.by_down = Divisor(tiles.down);
  tiles.by_wide = Divisor(tiles.wide), tiles.by_line = Divisor(tiles.images * tiles.wide);
  tiles.by_inputs = Divisor((tiles.inputs + 3) / 4 * 4);
  tiles.crossed = tiles.images == 2 && tiles.columns == 7 && tiles.wide == 9;
  return tiles;
}

// Of stride 1: whichever tiles leave fewer places empty.
inline PixelTiles pixel_tiles(int N, int H, int W, int pad) {
  const PixelTiles image{
      .N = N, .H = H, .W = W, .in_H = H, .in_W = W, .reach = 2 * pad + 1, .pad = pad, .stride = 1, .up = 1};
  const PixelTiles narrow = cut_into_tiles<TilePixels<7, 3, 1>>(image, H, W),
                   wide = cut_into_tiles<TilePixels<4, 3, 1>>(image, H, W);
  return std::int64_t{7} * narrow.count <= std::int64_t{4} * wide.count ? narrow : wide;
}

// Of a 3x3 convolution of stride 2 of images of H x W pixels.
inline PixelTiles strided_tiles(int N, int H, int W) {
  const int out_H = (H + 1) / 2, out_W = (W + 1) / 2;
  return cut_into_tiles<TilePixels<4, 3, 2>>(
      {.N = N, .H = out_H, .W = out_W, .in_H = H, .in_W = W, .reach = 3, .pad = 1, .stride = 2, .up = 1},
      out_H, out_W);
}

// Of its gradient by these images.
inline PixelTiles strided_gradient_tiles(int N, int H, int W) {
  const int in_H = (H + 1) / 2, in_W = (W + 1) / 2;
  return cut_into_tiles<TilePixels<2, 2, 1>>(
      {.N = N, .H = H, .W = W, .in_H = in_H, .in_W = in_W, .reach = 2, .pad = 0, .stride = 1, .up = 2}, in_H,
      in_W);
}

}  // namespace fermion::kernels
