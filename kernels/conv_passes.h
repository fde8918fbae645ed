// The passes over pixels around a oneDNN convolution. Each works on some pixels of one image, so that what it
// writes is still in the cache when the convolution, or the next pass, reads it.
#pragma once

#include "kernels/feature.h"

namespace fermion::kernels {

// One image as oneDNN wants it, [C / block, pixels, block]: NHWC is block = C, NCHW block = 1.
struct BlockedImage {
  float* data;
  std::int64_t pixels, block;

  // Channel c of pixel 0; pixels lie `block` floats apart.
  float* channel(std::int64_t c) const { return data + c / block * block * pixels + c % block; }
};

// Pixels begin..end of one image [pixels, C] of weight set k.
struct PixelRange {
  std::int64_t begin, end, C, k;
};

// value(x), to the channels of `to` from `first` on.
void write_value(const PixelRange& range, const Norm& norm, const float* y, BlockedImage to,
                 std::int64_t first);

// dy = gain inv_std (da - (sum_da + x_hat sum_da_x_hat) / M); da itself where there is no norm.
void write_dy(const PixelRange& range, const Norm& norm, const float* sum_da, const float* sum_da_x_hat,
              std::int64_t M, const float* y, const float* da, BlockedImage to);

// From d, the gradient of value(x), da as every reader leaves it; adds its sums to row k of sum_da.
void write_da(const PixelRange& range, const Norm& norm, const float* y, BlockedImage d, std::int64_t first,
              float* da, Write write, float* sum_da, float* sum_da_x_hat);

// Mean and sum of squared deviations of each channel of y [pixels, C], over these pixels.
void write_statistics(const PixelRange& range, const float* y, float* mean, float* m2);

// In place. oneDNN's own ReLU turns NaN into 0.
void relu(float* values, std::int64_t count);

// to += from, `count` floats.
void add(float* to, const float* from, std::int64_t count);

}  // namespace fermion::kernels
