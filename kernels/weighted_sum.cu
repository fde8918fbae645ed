#include <algorithm>

#include "kernels/launch.cuh"
#include "kernels/vec.cuh"
#include "kernels/weighted_sum.h"

namespace fermion::kernels {
namespace {

// What one launch sums; longer sums take several.
constexpr std::size_t capacity = 16;

template <class Scalar>
struct Terms {
  Scalar scalar[capacity];
  float weight[capacity];
  int count;
};

template <class Scalar>
Terms<Scalar> terms_from(std::size_t begin, std::span<const Scalar> scalars, std::span<const float> weights) {
  Terms<Scalar> terms{};
  const std::size_t count = std::min(capacity, scalars.size() - begin);
  std::copy_n(scalars.begin() + begin, count, terms.scalar);
  std::copy_n(weights.begin() + begin, count, terms.weight);
  terms.count = static_cast<int>(count);
  return terms;
}

__global__ void add_terms(const __grid_constant__ Terms<const float*> terms, bool go_on, float* y) {
  double sum = go_on ? *y : 0.0f;
  for (int i = 0; i < terms.count; ++i) sum += static_cast<double>(terms.weight[i]) * *terms.scalar[i];
  *y = static_cast<float>(sum);
}

// By one thread: a scalar that is summed twice has one gradient.
__global__ void scale_gradient(const __grid_constant__ Terms<Gradient<float>> terms, const float* dy) {
  for (int i = 0; i < terms.count; ++i)
    if (terms.scalar[i]) put<1>(terms.scalar[i].data, {terms.weight[i] * *dy}, terms.scalar[i].write);
}

}  // namespace

void weighted_sum_forward(Cuda ctx, std::span<const float* const> x, std::span<const float> weights,
                          float* y) {
  for (std::size_t begin = 0; begin == 0 || begin < x.size(); begin += capacity)
    launch(ctx, add_terms, {1}, 1, 0, terms_from<const float*>(begin, x, weights), begin > 0, y);
}

void weighted_sum_backward(Cuda ctx, std::span<const Gradient<float>> dx, std::span<const float> weights,
                           const float* dy) {
  for (std::size_t begin = 0; begin < dx.size(); begin += capacity)
    launch(ctx, scale_gradient, {1}, 1, 0, terms_from<Gradient<float>>(begin, dx, weights), dy);
}

}  // namespace fermion::kernels
