// Sum of scalars with constant weights: y = sum_i weight_i x_i. Backward: dx_i = weight_i dy.
#pragma once

#include <span>

#include "kernels/context.h"

namespace fermion::kernels {

void weighted_sum_forward(Cpu ctx, std::span<const float* const> x, std::span<const float> weights, float* y);
void weighted_sum_backward(Cpu ctx, std::span<const Gradient<float>> dx, std::span<const float> weights,
                           const float* dy);

// CUDA: the spans are of the host's memory, what they point to is of the device's.
void weighted_sum_forward(Cuda ctx, std::span<const float* const> x, std::span<const float> weights,
                          float* y);
void weighted_sum_backward(Cuda ctx, std::span<const Gradient<float>> dx, std::span<const float> weights,
                           const float* dy);

}  // namespace fermion::kernels
