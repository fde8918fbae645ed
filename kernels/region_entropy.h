// Negative entropy of the region weights: (1 / B) sum_b sum_k q_bk ln q_bk with q = w / K; 0 ln 0 = 0.
// Backward: dw_bk = d (ln q_bk + 1) / (B K); at q = 0 the logarithm is taken of the smallest normal number,
// so it stays finite.
#pragma once

#include "kernels/context.h"

namespace fermion::kernels {

// w: [B, K]; y: one number, 0 for B = 0.
void region_entropy_forward(Cpu ctx, std::int64_t B, std::int64_t K, const float* w, float* y);
void region_entropy_backward(Cpu ctx, std::int64_t B, std::int64_t K, const float* w, const float* dy,
                             Gradient<float> dw);

void region_entropy_forward(Cuda ctx, std::int64_t B, std::int64_t K, const float* w, float* y);
void region_entropy_backward(Cuda ctx, std::int64_t B, std::int64_t K, const float* w, const float* dy,
                             Gradient<float> dw);

}  // namespace fermion::kernels
