// An image doubled by a transposed 2x2 convolution with stride 2: pixel (h, w) becomes the four (2h + i, 2w +
// j), tap 2 i + j, of C channels. As a 1x1 convolution it makes 4 C channels, tap C + c.
#pragma once

#include "kernels/divisor.h"

namespace fermion::kernels {

struct DoubledPixels {
  int W = 1, C = 1;  // of the image before, of the doubled one
  Divisor by_W = {}, by_C = {};

  // Of pixel (n H + h) W + w, the index of tap 0 among all doubled pixels.
  FERMION_HOST_DEVICE int first(int pixel) const { return 2 * (pixel + by_W.quotient(pixel) * W); }
  // From there on to another tap.
  FERMION_HOST_DEVICE int tap(int tap) const { return tap / 2 * 2 * W + tap % 2; }

  // Of one of the 4 C channels: where it lies from tap 0's first one on, and its row among weights [C, taps].
  FERMION_HOST_DEVICE std::int64_t offset(int channel) const {
    return std::int64_t{tap(by_C.quotient(channel))} * C + by_C.remainder(channel);
  }
  FERMION_HOST_DEVICE int weight_row(int channel) const {
    return 4 * by_C.remainder(channel) + by_C.quotient(channel);
  }
};

}  // namespace fermion::kernels
