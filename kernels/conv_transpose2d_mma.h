// conv_transpose2d on tensor cores (kernels/conv_mma.cuh, kernels/conv_wgrad.cuh).
//
// A transposed 2x2 convolution with stride 2 is a 1x1 convolution of 4 Co channels, tap Co + co, that are
// stored to four pixels; dy is gathered from there. Neither those channels, nor value(x), nor its gradient
// lie in memory.
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
