// Augmentation and standardisation: u8 images [N, H, W, 3] to f32 [N, H, W, 3], with parameters [N, 11] for
// each image. For pixel (x, y), with the centre cx = (W - 1) / 2, cy = (H - 1) / 2, in this order:
//
//   source_x = xx (x - cx) + xy (y - cy) + cx + dx        clamped to 0 .. W - 1
//   source_y = yx (x - cx) + yy (y - cy) + cy + dy        clamped to 0 .. H - 1
//   v        = bilinear(image, source_x, source_y)        flip, rotation, scale and shift in one matrix
//   v        = brightness v                               clamped to 0 .. 255
//   out      = (v / 255 - mean) inv_std                   [3] each
//   out      = 0 where top <= y < bottom and left <= x < right
//
// so what is erased becomes the mean. The identity parameters {1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0} give exactly
// the standardised image. No backward: images want no gradient.
#pragma once

#include <cstdint>

#include "kernels/context.h"

namespace fermion::kernels {

// One row of the parameters.
struct AugmentParameters {
  float xx = 1, xy = 0, yx = 0, yy = 1, dx = 0, dy = 0;  // from pixels of the output to pixels of the source
  float brightness = 1;
  float top = 0, left = 0, bottom = 0, right = 0;  // the erased rectangle, empty by default
};
inline constexpr std::int64_t augment_parameter_count = sizeof(AugmentParameters) / sizeof(float);

// An image has less than 2^31 bytes.
struct Augment {
  std::int64_t N, H, W;
};

void augment_forward(Cpu ctx, const Augment& dims, const std::uint8_t* images,
                     const AugmentParameters* parameters, const float* mean, const float* inv_std,
                     float* out);

// CUDA: T, of the output, is float or bf16.
template <class T>
void augment_forward(Cuda ctx, const Augment& dims, const std::uint8_t* images,
                     const AugmentParameters* parameters, const float* mean, const float* inv_std, T* out);

}  // namespace fermion::kernels
