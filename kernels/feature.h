// A feature is what layers hand on: a convolution's raw output y and the norm that its readers apply to it.
//
//   x_hat    = (y - mean) inv_std
//   value(x) = relu?(x_hat gain + shift)        or y itself where there is no norm
//
// y is [K, N, H, W, C] with a weight set, a gain and a shift per k; K is 1 outside the region bank. No tensor
// ever holds value(x) unless an op's output needs it.
//
// Gradients: a reader forms da, the gradient of the loss by (x_hat gain + shift), so after the ReLU's mask
// (x_hat gain + shift <= 0 ? 0 : d), writes or adds it to `da`, and adds, per k and channel, the sum of da to
// `sum_da` and of da x_hat to `sum_da_x_hat`. Without a norm, da is the gradient of y. The convolution that
// made y turns da into dy.
#pragma once

#include "kernels/context.h"

namespace fermion::kernels {

// gain, shift, mean, inv_std: [K, C] f32. gain is null where there is no norm.
struct Norm {
  const float* gain = nullptr;
  const float* shift = nullptr;
  const float* mean = nullptr;
  const float* inv_std = nullptr;
  bool relu = false;

  FERMION_HOST_DEVICE explicit operator bool() const { return gain != nullptr; }
};

template <class T>
struct Feature {
  const T* y = nullptr;
  Norm norm = {};
};

template <class T>
struct FeatureGradient {
  Gradient<T> da;
  // [K, C], null without a norm. Kernels always add; the engine zeroes them before the first reader.
  float* sum_da = nullptr;
  float* sum_da_x_hat = nullptr;
};

// K weight sets, N images, H x W pixels, C channels.
struct ImageDims {
  std::int64_t K = 1, N = 1, H = 1, W = 1, C = 1;

  std::int64_t size() const { return K * N * H * W * C; }
};

}  // namespace fermion::kernels
