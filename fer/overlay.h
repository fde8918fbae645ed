// A face with the weights of its regions drawn over it.
#pragma once

#include <cstdint>
#include <span>

#include "fer/image.h"

namespace fermion::fer {

struct Tint {
  std::uint8_t red, green, blue;
  float opacity;
};

// The colour that stands for a region weight w, also in report.html. With t = log2(w)/2, held within -1..1
// (so that 1/4 and 4 end the scale, and halves and doubles lie equally far from 1): navy for t < 0, amber for
// t > 0, opacity 3/4 |t|^0.7; w = 1, no preference, leaves the face as it is. Blue and orange stay apart in
// every common colour blindness, and navy darkens while amber lightens, which survives a grey print. Throws
// engine::Error unless w >= 0.
Tint weight_tint(float weight);

// Weights [grid, grid], rows from the top, mean 1, over the face. The face turns grey, so that all colour is
// the weights', and is enlarged by the smallest whole factor that makes its shorter side at least `side`
// pixels. Region j of a row spans pixels round(j width/grid) to round((j+1) width/grid); thin white lines
// part the regions, and each bears its weight if it has room for it (24 x 20 pixels). Throws engine::Error if
// there are not grid * grid weights or the face has fewer pixels than the grid has cells a side.
Image overlay(const Image& face, std::span<const float> weights, int grid, int side = 240);

}  // namespace fermion::fer
