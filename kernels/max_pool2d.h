// Max pooling, 2x2 windows at stride 2, of the feature x [K, N, H, W, C]:
//   y[k, n, i, j, c] = max of value(x)[k, n, 2i + {0, 1}, 2j + {0, 1}, c],   y: [K, N, H/2, W/2, C]
// An odd last row or column is dropped. A window is read row by row: the first of equal values wins, and so
// does the first NaN.
// Backward: dy goes to the pixel that won, masked by the ReLU (kernels/feature.h); the others receive zero.
// It finds the winner again by the forward's arithmetic: no argmax is stored.
#pragma once

#include "kernels/feature.h"

namespace fermion::kernels {

// dims are x's.
void max_pool2d_forward(Cpu ctx, const ImageDims& dims, Feature<float> x, float* y);
void max_pool2d_backward(Cpu ctx, const ImageDims& dims, Feature<float> x, const float* dy,
                         FeatureGradient<float> dx);

// CUDA: T is float or bf16.
template <class T>
void max_pool2d_forward(Cuda ctx, const ImageDims& dims, Feature<T> x, T* y);
template <class T>
void max_pool2d_backward(Cuda ctx, const ImageDims& dims, Feature<T> x, const T* dy, FeatureGradient<T> dx);

}  // namespace fermion::kernels
