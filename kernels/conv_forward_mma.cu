#include "kernels/conv_forward_mma.h"
#include "kernels/conv_launch.cuh"

namespace fermion::kernels {

bool conv2d_forward_mma(Cuda ctx, const Conv2d& dims, const Conv2dInput<bf16>& x, const float* weight,
                        const Conv2dOutput<bf16>& y) {
  const ConvMma conv{.tiles = conv_tiles(dims),
                     .first_chunks = static_cast<int>(dims.first_channels / 16),
                     .chunks = static_cast<int>(dims.Ci() / 16),
                     .Co = static_cast<int>(dims.Co),
                     .x = x,
                     .weight = weight,
                     .weight_row = dims.Ci()};
  return conv_mma<false>(ctx, dims, conv, ConvForward{.y = y}, y.mean != nullptr);
}

}  // namespace fermion::kernels
