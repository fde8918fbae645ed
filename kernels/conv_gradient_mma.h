// conv2d's gradient by its inputs on tensor cores (kernels/conv_mma.cuh).
#pragma once

#include "kernels/bf16.h"
#include "kernels/conv2d.h"

namespace fermion::kernels {

// Where the forward fits too, and outputs of a multiple of 16 channels.
bool gradient_fits_tensor_cores(const Conv2d& dims);

// The da and sums of both inputs that are wanted, one launch. `dims` gradient_fits_tensor_cores(). dy:
// [K, N, Ho, Wo, Co]. False, and nothing is queued, where the device has too little shared memory for it.
bool conv2d_input_gradient_mma(Cuda ctx, const Conv2d& dims, const Conv2dInput<bf16>& x, const float* weight,
                               const bf16* dy, const FeatureGradient<bf16>& first,
                               const FeatureGradient<bf16>& second);

}  // namespace fermion::kernels
