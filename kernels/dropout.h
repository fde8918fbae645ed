// Inverted dropout (Srivastava et al. 2014): element i is kept when its Philox word is at least p 2^32, and
// then divided by 1 - p; else it is 0. The backward draws the same words again, so no mask is stored. A NaN
// that is dropped is gone.
#pragma once

#include "kernels/context.h"
#include "kernels/rng.h"

namespace fermion::kernels {

void dropout_forward(Cpu ctx, std::int64_t size, float p, RandomSource random, const float* x, float* y);
void dropout_backward(Cpu ctx, std::int64_t size, float p, RandomSource random, const float* dy,
                      Gradient<float> dx);

// CUDA: T is float or bf16.
template <class T>
void dropout_forward(Cuda ctx, std::int64_t size, float p, RandomSource random, const T* x, T* y);
template <class T>
void dropout_backward(Cuda ctx, std::int64_t size, float p, RandomSource random, const T* dy, Gradient<T> dx);

}  // namespace fermion::kernels
