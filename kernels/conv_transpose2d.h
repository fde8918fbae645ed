// Transposed convolution, 2x2 with stride 2: doubles height and width.
//
//   y[n, 2h + i, 2w + j, co] = sum over ci of value(x)[n, h, w, ci] weight[co, i, j, ci]
//
// It is the gradient of a 2x2 convolution with stride 2 from y to x, and runs as one on the CPU.
#pragma once

#include "kernels/feature.h"

namespace fermion::kernels {

struct ConvTranspose2d {
  std::int64_t N = 1, H = 1, W = 1, Ci = 1;  // of x
  std::int64_t Co = 1;
};

void conv_transpose2d_forward(Cpu ctx, const ConvTranspose2d& dims, const Feature<float>& x,
                              const float* weight, float* y);

// Null dx.da: nobody wants it.
void conv_transpose2d_backward(Cpu ctx, const ConvTranspose2d& dims, const Feature<float>& x,
                               const float* weight, const float* dy, const FeatureGradient<float>& dx,
                               Gradient<float> dweight);

// CUDA: T is float or bf16.
template <class T>
void conv_transpose2d_forward(Cuda ctx, const ConvTranspose2d& dims, const Feature<T>& x, const float* weight,
                              T* y);
template <class T>
void conv_transpose2d_backward(Cuda ctx, const ConvTranspose2d& dims, const Feature<T>& x,
                               const float* weight, const T* dy, const FeatureGradient<T>& dx,
                               Gradient<float> dweight);

}  // namespace fermion::kernels
