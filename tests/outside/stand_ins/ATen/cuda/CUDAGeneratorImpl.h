// Of PyTorch's generator FlashAttention keeps this: where the numbers of dropout begin. There is no dropout
// here.
#pragma once
#include <cstdint>

namespace at {
struct PhiloxCudaState {
  uint64_t seed = 0, offset = 0;
};
}  // namespace at
