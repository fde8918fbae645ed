// Attention on tensor cores, of bf16: d of 32, 64 or 128. Contract: kernels/attention.h.
#pragma once

#include "kernels/attention.h"
#include "kernels/bf16.h"

namespace fermion::kernels {

bool fits_tensor_cores(const Attention& dims);

// `dims` fits_tensor_cores(). One launch.
void attention_forward_mma(Cuda ctx, const Attention& dims, const bf16* qkv, bf16* o, float* log_sum_exp);

// Two launches.
void attention_backward_mma(Cuda ctx, const Attention& dims, const bf16* qkv, const bf16* o,
                            const float* log_sum_exp, const bf16* d_o, Gradient<bf16> dqkv);

}  // namespace fermion::kernels
