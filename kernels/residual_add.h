// Residual add: y = value(a) + value(b), all [K, N, H, W, C].
// Backward: both inputs receive dy, masked by their own ReLU (kernels/feature.h).
#pragma once

#include "kernels/feature.h"

namespace fermion::kernels {

void residual_add_forward(Cpu ctx, const ImageDims& dims, Feature<float> a, Feature<float> b, float* y);

// One input's gradient; called once for each that wants it.
void residual_add_backward(Cpu ctx, const ImageDims& dims, Feature<float> x, const float* dy,
                           FeatureGradient<float> dx);

// CUDA: T is float or bf16.
template <class T>
void residual_add_forward(Cuda ctx, const ImageDims& dims, Feature<T> a, Feature<T> b, T* y);
template <class T>
void residual_add_backward(Cuda ctx, const ImageDims& dims, Feature<T> x, const T* dy, FeatureGradient<T> dx);

}  // namespace fermion::kernels
