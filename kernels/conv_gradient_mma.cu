#include "kernels/conv_forward_mma.h"
#include "kernels/conv_gradient_mma.h"
#include "kernels/conv_launch.cuh"

namespace fermion::kernels {

bool conv2d_input_gradient_mma(Cuda ctx, const Conv2d& dims, const Conv2dInput<bf16>& x, const float* weight,
                               const bf16* dy, const FeatureGradient<bf16>& first,
                               const FeatureGradient<bf16>& second) {
  // One feature may be both inputs: its second gradient says to add to what the first one wrote.
  if (first.da && first.da.data == second.da.data)
    return conv2d_input_gradient_mma(ctx, dims, x, weight, dy, first, {}) &&
           conv2d_input_gradient_mma(ctx, dims, x, weight, dy, {}, second);
  // Only the channels of an input that wants it are made.
  const std::int64_t before = first.da ? 0 : dims.first_channels;
  const std::int64_t made = dims.Ci() - before - (second.da ? 0 : dims.second_channels);
  if (made == 0) return true;
  const auto chunks = static_cast<int>(dims.Co / 16);
  const ConvMma conv{.tiles = conv_gradient_tiles(dims),
                     .first_chunks = chunks,
                     .chunks = chunks,
                     .Co = static_cast<int>(made),
                     .x = {{dy}, {}},
                     .weight = weight + before,
                     .weight_row = dims.Ci()};
  const ConvGradient output{.x = x,
                            .first = first,
                            .second = second,
                            .first_channels = static_cast<int>(first.da ? dims.first_channels : 0)};
  return conv_mma<true>(ctx, dims, conv, output, first.sum_da || second.sum_da);
}

}  // namespace fermion::kernels
