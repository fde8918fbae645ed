// Attention on tensor cores, of bf16: d of 32, 64 or 128. Contract: kernels/attention.h.
#pragma once

#include "kernels/attention.h"
#include "kernels/bf16.h"
#include "kernels/host_device.h"

namespace fermion::kernels {

// Rows of a block, and how many blocks share a multiprocessor.
struct AttentionBlocks {
  int rows, resident;
};
FERMION_HOST_DEVICE constexpr AttentionBlocks attention_forward_blocks(std::int64_t d) {
  return {128, d <= 64 ? 3 : 2};
}
FERMION_HOST_DEVICE constexpr AttentionBlocks attention_backward_blocks(std::int64_t d) {
  return {d <= 64 ? 128 : 64, 2};
}

bool fits_tensor_cores(const Attention& dims);

// `dims` fits_tensor_cores(). One launch.
void attention_forward_mma(Cuda ctx, const Attention& dims, const bf16* qkv, bf16* o, float* log_sum_exp);

// Two launches.
void attention_backward_mma(Cuda ctx, const Attention& dims, const bf16* qkv, const bf16* o,
                            const float* log_sum_exp, const bf16* d_o, Gradient<bf16> dqkv);

}  // namespace fermion::kernels
