// conv2d of images on tensor cores: 3 channels, 3x3, stride 1, without a norm. (kernels/conv_mma.cuh begins
// at 16 channels.)
#pragma once

#include "kernels/bf16.h"
#include "kernels/conv2d.h"

namespace fermion::kernels {

// Outputs of a multiple of 8 channels.
bool are_images(const Conv2d& dims, const Conv2dInput<bf16>& x);

// One launch each, and one more for dweight where pixels are split. `dims` and `x` are_images(). dy:
// [K, N, H, W, Co].
void conv2d_images_forward_mma(Cuda ctx, const Conv2d& dims, const Conv2dInput<bf16>& x, const float* weight,
                               const Conv2dOutput<bf16>& y);
void conv2d_images_weight_gradient_mma(Cuda ctx, const Conv2d& dims, const Conv2dInput<bf16>& x,
                                       const bf16* dy, Gradient<float> dweight);

}  // namespace fermion::kernels
