// conv2d's forward on tensor cores (kernels/conv_mma.cuh).
#pragma once

#include "kernels/bf16.h"
#include "kernels/conv2d.h"

namespace fermion::kernels {

// 3x3, or 1x1 of stride 1; inputs of a multiple of 16 channels, outputs of a multiple of 8.
bool fits_tensor_cores(const Conv2d& dims);

// One launch. `dims` fits_tensor_cores(). False, and nothing is queued, where the device has too little
// shared memory for it.
bool conv2d_forward_mma(Cuda ctx, const Conv2d& dims, const Conv2dInput<bf16>& x, const float* weight,
                        const Conv2dOutput<bf16>& y);

}  // namespace fermion::kernels
