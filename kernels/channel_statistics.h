// Statistics of a convolution's stored output y [K, pixels, C], for its norm.
#pragma once

#include "kernels/context.h"

namespace fermion::kernels {

// mean, inv_std: [K, C]; inv_std = 1 / sqrt(biased variance + 1e-5). T is float or bf16.
template <class T>
void channel_statistics(Cuda ctx, std::int64_t K, std::int64_t pixels, std::int64_t C, const T* y,
                        float* mean, float* inv_std);

}  // namespace fermion::kernels
