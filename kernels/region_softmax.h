// Weights of the regions: w_bk = K exp(s_bk) / sum_j exp(s_bj), so that the mean over K is 1 and all-ones
// means "no preference". Backward: ds_bk = w_bk (dw_bk - sum_j w_bj dw_bj / K).
#pragma once

#include "kernels/context.h"

namespace fermion::kernels {

// scores, w: [B, K].
void region_softmax_forward(Cpu ctx, std::int64_t B, std::int64_t K, const float* scores, float* w);
void region_softmax_backward(Cpu ctx, std::int64_t B, std::int64_t K, const float* w, const float* dw,
                             Gradient<float> dscores);

// CUDA: T is float or bf16.
template <class T>
void region_softmax_forward(Cuda ctx, std::int64_t B, std::int64_t K, const T* scores, float* w);
template <class T>
void region_softmax_backward(Cuda ctx, std::int64_t B, std::int64_t K, const float* w, const float* dw,
                             Gradient<T> dscores);

}  // namespace fermion::kernels
