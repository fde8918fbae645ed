// conv_transpose2d on tensor cores (kernels/conv_mma.cuh, kernels/conv_wgrad.cuh).
//
// A transposed 2x2 convolution with stride 2 is a 1x1 convolution of 4 Co channels, tap Co + co, in tiles of
// 112 or 64 pixels by 64 channels:
//
//   forward: value(x), formed once on the way into shared memory, by the weights; each of the 4 Co channels
//   is stored to its pixel of the doubled image;
//
//   by the input: dy, gathered from the four pixels, by the weights, 4 Co deep; the mask of the input's ReLU,
//   da, written or added, and its two sums;
//
//   by the weights: dy so gathered by value(x), split over the pixels, summed in a fixed order.
//
// Neither value(x), nor its gradient, nor the 4 Co channels side by side lie in memory: of 64 images of 56 x
// 56 pixels and 64 channels the gradient alone would be 51 MB in f32, written and read.
#pragma once

#include "kernels/bf16.h"
#include "kernels/conv_transpose2d.h"

namespace fermion::kernels {

// Inputs of a multiple of 16 channels, outputs of a multiple of 8.
bool fits_tensor_cores(const ConvTranspose2d& dims);
// The same, and outputs of a multiple of 16.
bool gradient_fits_tensor_cores(const ConvTranspose2d& dims);

// One launch each, and one more for dweight where pixels are split.
void conv_transpose2d_forward_mma(Cuda ctx, const ConvTranspose2d& dims, const Feature<bf16>& x,
                                  const float* weight, bf16* y);
void conv_transpose2d_input_gradient_mma(Cuda ctx, const ConvTranspose2d& dims, const Feature<bf16>& x,
                                         const float* weight, const bf16* dy,
                                         const FeatureGradient<bf16>& dx);
void conv_transpose2d_weight_gradient_mma(Cuda ctx, const ConvTranspose2d& dims, const Feature<bf16>& x,
                                          const bf16* dy, Gradient<float> dweight);

}  // namespace fermion::kernels
