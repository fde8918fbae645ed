// How a convolution's output pixels are cut into tiles for tensor cores, and where the pixels that a tile
// reads lie in shared memory.
//
// A tile is 8 rows of 14 pixels or 4 rows of 16: 7 or 4 fragments of 16 pixels, pixel p at row p / width,
// column p % width. Images narrower than a tile lie in it side by side, `images` of them. Around each lies
// its halo of `pad` pixels.
//
// Shared memory holds a tile's input pixels by slots of 8 channels, 16 bytes. Slots of a row follow each
// other, and a row, like a neighbouring image, starts 8 slots later than it would have to follow the last
// output pixel's. So the slots that any 8 neighbouring output pixels read, at any tap, are 8 different ones
// modulo 8: no load of a matrix meets a bank twice.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "kernels/divisor.h"
#include "kernels/host_device.h"

namespace fermion::kernels {

struct PixelTiles {
  int N, H, W;       // output images
  int in_H, in_W;    // input images
  int pad;           // 1 for 3x3, else 0
  int rows, width;   // of a tile: 8 by 14, or 4 by 16
  int images;        // side by side in a tile
  int across, down;  // tiles of an image, or of `images` side by side
  Divisor by_width, by_columns, by_across, by_down;
  Divisor by_input_columns, by_input_row, by_inputs;  // of one image, of all side by side, of the tile

  FERMION_HOST_DEVICE int count() const { return (N + images - 1) / images * across * down; }

  // Columns of a tile that belong to one image.
  FERMION_HOST_DEVICE int columns() const { return width / images; }
  FERMION_HOST_DEVICE int pitch() const { return width + 8 * images; }
  // Of one plane of 8 channels, where `planes` of them, 2, 4 or more, are filled side by side: together they
  // fill all banks evenly.
  FERMION_HOST_DEVICE int slots(int planes = 2) const {
    const int used = (rows + 2 * pad) * pitch();
    return used + (8 + 8 / (planes < 8 ? planes : 8) - used % 8) % 8;
  }
  // Input pixels of a tile.
  FERMION_HOST_DEVICE int inputs() const { return (rows + 2 * pad) * images * (columns() + 2 * pad); }

  // The slot that tap (0, 0) of output pixel p reads; tap (a, b) reads a pitch() + b slots further on.
  FERMION_HOST_DEVICE int slot(int p) const {
    const int row = by_width.quotient(p), column = by_width.remainder(p);
    return row * pitch() + column + 8 * by_columns.quotient(column);
  }

  struct Place {
    int image, row, column;  // of the tile's first output pixel
  };
  FERMION_HOST_DEVICE Place place(int tile) const {
    const int line = by_across.quotient(tile);
    return {by_down.quotient(line) * images, by_down.remainder(line) * rows,
            by_across.remainder(tile) * columns()};
  }
  // Of output pixel p, its index among all; -1 outside the images.
  FERMION_HOST_DEVICE int output(const Place& at, int p) const {
    const int column = by_width.remainder(p), image = at.image + by_columns.quotient(column);
    const int h = at.row + by_width.quotient(p), w = at.column + by_columns.remainder(column);
    return image < N && h < H && w < W ? (image * H + h) * W + w : -1;
  }

  struct Input {
    int pixel;  // its index among all, -1 outside the images
    int slot;
  };
  FERMION_HOST_DEVICE Input input(const Place& at, int i) const {
    const int row = by_input_row.quotient(i), rest = by_input_row.remainder(i);
    const int side = by_input_columns.quotient(rest), column = by_input_columns.remainder(rest);
    const int image = at.image + side, h = at.row + row - pad, w = at.column + column - pad;
    const bool inside = image < N && h >= 0 && h < in_H && w >= 0 && w < in_W;
    return {inside ? (image * in_H + h) * in_W + w : -1, row * pitch() + side * (columns() + 8) + column};
  }
};

// Whichever tiles leave fewer pixels empty; stride 1.
inline PixelTiles pixel_tiles(int N, int H, int W, int pad) {
  PixelTiles best{};
  double best_share = -1;
  for (const int width : {14, 16}) {
    // Side by side lie at most two images of 7 pixels, or four of 4.
    const int rows = width == 14 ? 8 : 4, most = width == 14 ? 2 : 4;
    const int images = width % W == 0 && width / W <= most ? width / W : 1;
    const int across = images > 1 ? 1 : (W + width - 1) / width, down = (H + rows - 1) / rows,
              columns = width / images, input_columns = columns + 2 * pad;
    const PixelTiles tiles{.N = N,
                           .H = H,
                           .W = W,
                           .in_H = H,
                           .in_W = W,
                           .pad = pad,
                           .rows = rows,
                           .width = width,
                           .images = images,
                           .across = across,
                           .down = down,
                           .by_width = Divisor(width),
                           .by_columns = Divisor(columns),
                           .by_across = Divisor(across),
                           .by_down = Divisor(down),
                           .by_input_columns = Divisor(input_columns),
                           .by_input_row = Divisor(images * input_columns),
                           .by_inputs = Divisor((rows + 2 * pad) * images * input_columns)};
    const double share = static_cast<double>(H) * W * N / (static_cast<double>(tiles.count()) * rows * width);
    if (share > best_share) best = tiles, best_share = share;
  }
  return best;
}

}  // namespace fermion::kernels
