// Linear layers, one or a bank of K: y_k = x_k weight_k^T + bias_k, with
//   x [K, M, Ci], weight [K, Co, Ci], bias [K, Co] or null, y [K, M, Co].
// Backward: dx = dy weight, dweight = dy^T x, dbias = sum of dy's rows (in f64).
#pragma once

#include "kernels/context.h"

namespace fermion::kernels {

struct Linear {
  std::int64_t K = 1, M = 1, Ci = 1, Co = 1;
};

void linear_forward(Cpu ctx, const Linear& dims, const float* x, const float* weight, const float* bias,
                    float* y);

void linear_backward(Cpu ctx, const Linear& dims, const float* x, const float* weight, const float* dy,
                     Gradient<float> dx, Gradient<float> dweight, Gradient<float> dbias);

// CUDA: T is float or bf16.
template <class T>
void linear_forward(Cuda ctx, const Linear& dims, const T* x, const float* weight, const float* bias, T* y);
template <class T>
void linear_backward(Cuda ctx, const Linear& dims, const T* x, const float* weight, const T* dy,
                     Gradient<T> dx, Gradient<float> dweight, Gradient<float> dbias);

}  // namespace fermion::kernels
