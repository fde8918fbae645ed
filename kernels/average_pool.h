// Average pool of a feature to a G x G grid of equal cells; G = 1 is the global pool.
//   y[k, n, r, s, c] = mean of value(x)[k, n, i, j, c] over the H/G x W/G pixels of cell (r, s)
// x: [K, N, H, W, C] with H and W multiples of G; y: [K, N, G, G, C].
// Backward: every pixel of a cell receives dy / (pixels of a cell), masked by the ReLU (kernels/feature.h).
#pragma once

#include "kernels/feature.h"

namespace fermion::kernels {

struct AveragePool {
  ImageDims x;
  std::int64_t grid = 1;
};

void average_pool_forward(Cpu ctx, const AveragePool& dims, Feature<float> x, float* y);
void average_pool_backward(Cpu ctx, const AveragePool& dims, Feature<float> x, const float* dy,
                           FeatureGradient<float> dx);

// CUDA: T is float or bf16.
template <class T>
void average_pool_forward(Cuda ctx, const AveragePool& dims, Feature<T> x, T* y);
template <class T>
void average_pool_backward(Cuda ctx, const AveragePool& dims, Feature<T> x, const T* dy,
                           FeatureGradient<T> dx);

}  // namespace fermion::kernels
