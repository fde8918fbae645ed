// Features as ops see them; kernels/feature.h states what they mean.
#pragma once

#include "engine/tensor.h"
#include "kernels/feature.h"

namespace fermion::engine {

// y: [N, H, W, C], or [K, N, H, W, C] in the region bank. With a norm: gain, shift [C] or [K, C], and
// statistics [2, K, C] (mean, inv_std), whose gradient holds the two sums that readers leave (sum of da, sum
// of da x_hat). Only conv2d makes a norm. A plain tensor converts to a feature without one.
struct Feature {
  Tensor y;
  Tensor gain, shift, statistics;
  bool relu = false;

  Feature() = default;
  Feature(Tensor plain) : y(std::move(plain)) {}  // NOLINT: implicit on purpose

  bool has_norm() const { return static_cast<bool>(gain); }
  // For `op`, "module.path/op", which the error names when y is no feature.
  kernels::ImageDims dims(const std::string& op) const;

  // What kernels read.
  template <class T>
  kernels::Feature<T> view() const {
    return {y.data<T>(), norm()};
  }
  // Where a reader's backward puts da and its two sums.
  template <class T>
  kernels::FeatureGradient<T> take_gradient() const {
    kernels::FeatureGradient<T> gradient{y.take_gradient<T>(), nullptr, nullptr};
    if (has_norm() && gradient.da) take_sums(gradient.sum_da, gradient.sum_da_x_hat);
    return gradient;
  }

 private:
  kernels::Norm norm() const;
  void take_sums(float*& sum_da, float*& sum_da_x_hat) const;
};

}  // namespace fermion::engine
