#include "kernels/conv_launch.cuh"
#include "kernels/conv_transpose2d_mma.h"
#include "kernels/conv_wgrad_launch.cuh"

namespace fermion::kernels {
namespace {

DoubledPixels doubled(const ConvTranspose2d& dims) {
  const auto W = static_cast<int>(dims.W), C = static_cast<int>(dims.Co);
  return {W, C, Divisor(W), Divisor(C)};
}

// Weights stay where there are few of them: a block that makes one tile has no use for that.
constexpr int most_resident_chunks = 8;

template <bool Gradient, int Fragments, class Output>
void run(Cuda ctx, const ConvMma& conv, const Output& output, bool sums) {
  if (depth_blocks(ctx, {}, conv, 1).of_tile > 1)
    run_conv<DoublingBlock<Gradient, Fragments, Depth::split>>(ctx, {}, conv, output, sums);
  else if (conv.chunks <= most_resident_chunks)
    run_conv<DoublingBlock<Gradient, Fragments, Depth::resident>>(ctx, {}, conv, output, sums);
  else
    run_conv<DoublingBlock<Gradient, Fragments, Depth::streamed>>(ctx, {}, conv, output, sums);
}

template <int Fragments>
void run_wgrad_of(Cuda ctx, const Conv2d& dims, const ConvWgrad& conv, Gradient<float> dweight) {
  wgrad_widths(1, conv.Co, conv.Ci).read == 64
      ? run_wgrad<DoublingWgradBlock<Fragments, 1, 4>>(ctx, dims, conv, dweight)
      : run_wgrad<DoublingWgradBlock<Fragments, 2, 2>>(ctx, dims, conv, dweight);
}

}  // namespace

void conv_transpose2d_forward_mma(Cuda ctx, const ConvTranspose2d& dims, const Feature<bf16>& x,
                                  const float* weight, bf16* y) {
  const auto chunks = static_cast<int>(dims.Ci / 16);
  const ConvMma conv{.tiles = conv_tiles(pointwise(dims)),
                     .first_chunks = chunks,
                     .chunks = chunks,
                     .Co = static_cast<int>(4 * dims.Co),
                     .x = {x, {}},
                     .weight = weight,
                     .weight_row = dims.Ci,
                     .doubled = doubled(dims)};
  const ConvForward output{.y = {.y = y}};
  conv.tiles.width == 14 ? run<false, 7>(ctx, conv, output, false) : run<false, 4>(ctx, conv, output, false);
}

void conv_transpose2d_input_gradient_mma(Cuda ctx, const ConvTranspose2d& dims, const Feature<bf16>& x,
                                         const float* weight, const bf16* dy,
                                         const FeatureGradient<bf16>& dx) {
  const auto chunks = static_cast<int>(4 * dims.Co / 16);
  const ConvMma conv{.tiles = conv_tiles(pointwise(dims)),
                     .first_chunks = chunks,
                     .chunks = chunks,
                     .Co = static_cast<int>(dims.Ci),
                     .x = {{dy}, {}},
                     .weight = weight,
                     .weight_row = dims.Ci,
                     .doubled = doubled(dims)};
  const ConvGradient output{
      .x = {x, {}}, .first = dx, .second = {}, .first_channels = static_cast<int>(dims.Ci)};
  const bool sums = dx.sum_da != nullptr;
  conv.tiles.width == 14 ? run<true, 7>(ctx, conv, output, sums) : run<true, 4>(ctx, conv, output, sums);
}

void conv_transpose2d_weight_gradient_mma(Cuda ctx, const ConvTranspose2d& dims, const Feature<bf16>& x,
                                          const bf16* dy, Gradient<float> dweight) {
  const Conv2d as = pointwise(dims);
  const ConvWgrad conv{.tiles = conv_tiles(as),
                       .Co = static_cast<int>(4 * dims.Co),
                       .first_channels = static_cast<int>(dims.Ci),
                       .Ci = static_cast<int>(dims.Ci),
                       .x = {x, {}},
                       .dy = dy,
                       .sums = {},
                       .doubled = doubled(dims)};
  conv.tiles.width == 14 ? run_wgrad_of<7>(ctx, as, conv, dweight) : run_wgrad_of<4>(ctx, as, conv, dweight);
}

}  // namespace fermion::kernels
