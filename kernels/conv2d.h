// Convolution of features (kernels/feature.h): 3x3 with stride 1 or 2, or 1x1; padding (kernel - 1) / 2.
//
//   y[k, n, i, j, co] = sum over a, b, ci of value(x)[k, n, h, w, ci] weight[k, co, a, b, ci]
//   h = i stride + a - padding,   w = j stride + b - padding
//
// and value(x) is 0 where h or w lies outside the image. x may be two features side by side: the second's
// channels follow the first's. K weight sets, one per region of the bank; K is 1 elsewhere.
#pragma once

#include "kernels/feature.h"

namespace fermion::kernels {

struct Conv2d {
  std::int64_t K = 1, N = 1, H = 1, W = 1;  // of the inputs
  std::int64_t first_channels = 1, second_channels = 0;
  std::int64_t Co = 1;
  std::int64_t kernel = 3, stride = 1;

  std::int64_t Ci() const { return first_channels + second_channels; }
  std::int64_t padding() const { return (kernel - 1) / 2; }
  std::int64_t out(std::int64_t size) const { return (size + 2 * padding() - kernel) / stride + 1; }
  std::int64_t Ho() const { return out(H); }
  std::int64_t Wo() const { return out(W); }
};

template <class T>
struct Conv2dInput {
  Feature<T> first, second;  // [K, N, H, W, first_channels], [..., second_channels]; one input: no second.y
};

template <class T>
struct Conv2dOutput {
  T* y = nullptr;  // [K, N, Ho, Wo, Co]
  // [K, Co], both or neither: mean and 1 / sqrt(biased variance + 1e-5) of the stored y over its N Ho Wo
  // pixels.
  float* mean = nullptr;
  float* inv_std = nullptr;
  // [K, Co], evaluation: y = relu?(convolution + bias).
  const float* bias = nullptr;
  bool relu = false;
};

void conv2d_forward(Cpu ctx, const Conv2d& dims, const Conv2dInput<float>& x, const float* weight,
                    const Conv2dOutput<float>& y);

// What arrived at y: da (kernels/feature.h), and with a norm the two sums that its readers left, [K, Co].
template <class T>
struct Conv2dArrived {
  T* da = nullptr;  // read on the CPU; on CUDA dy takes its place
  const float* sum_da = nullptr;
  const float* sum_da_x_hat = nullptr;
};

template <class T>
struct Conv2dGradient {
  FeatureGradient<T> first, second;  // null da: nobody wants it
  Gradient<float> weight, gain, shift;
};

// With M = N Ho Wo and a norm on y:
//   dshift = sum_da, dgain = sum_da_x_hat, dy = gain inv_std (da - (sum_da + x_hat sum_da_x_hat) / M);
// without one dy = da. Then dweight, and the inputs' da and sums as every reader leaves them. The CPU never
// stores dy whole.
void conv2d_backward(Cpu ctx, const Conv2d& dims, const Conv2dInput<float>& x, const float* weight,
                     const Feature<float>& y, const Conv2dArrived<float>& arrived,
                     const Conv2dGradient<float>& gradient);

// CUDA: T is float or bf16.
template <class T>
void conv2d_forward(Cuda ctx, const Conv2d& dims, const Conv2dInput<T>& x, const float* weight,
                    const Conv2dOutput<T>& y);
template <class T>
void conv2d_backward(Cuda ctx, const Conv2d& dims, const Conv2dInput<T>& x, const float* weight,
                     const Feature<T>& y, const Conv2dArrived<T>& arrived, const Conv2dGradient<T>& gradient);

}  // namespace fermion::kernels
