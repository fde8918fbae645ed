// y_i = value.
#pragma once

#include "kernels/context.h"

namespace fermion::kernels {

void fill(Cpu ctx, std::int64_t count, float value, float* y);
void fill(Cuda ctx, std::int64_t count, float value, float* y);

}  // namespace fermion::kernels
