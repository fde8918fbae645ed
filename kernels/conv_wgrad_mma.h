// conv2d's gradient by its weights on tensor cores (kernels/conv_wgrad.cuh).
#pragma once

#include "kernels/bf16.h"
#include "kernels/conv2d.h"

namespace fermion::kernels {

// `dims` fits_tensor_cores() (kernels/conv_forward_mma.h). dy: [K, N, Ho, Wo, Co].
void conv2d_weight_gradient_mma(Cuda ctx, const Conv2d& dims, const Conv2dInput<bf16>& x, const bf16* dy,
                                Gradient<float> dweight);

}  // namespace fermion::kernels
