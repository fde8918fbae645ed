#include "kernels/conv_transpose2d.h"

#include "kernels/conv_plan.h"
#include "kernels/feature_sums.h"

namespace fermion::kernels {
namespace {

// The convolution from y to x: its src is y, its dst x.
ConvolutionKey shape_of(const ConvTranspose2d& dims) {
  ConvolutionKey shape;
  shape.H = 2 * dims.H;
  shape.W = 2 * dims.W;
  shape.Ci = dims.Co;
  shape.Co = dims.Ci;
  shape.kernel = 2;
  shape.stride = 2;
  shape.padding = 0;
  shape.transposed = true;
  return shape;
}

// One call's images, from `n` on.
void write_values(const ConvPlan& plan, const ConvTranspose2d& dims, const Feature<float>& x, std::int64_t n,
                  float* values) {
  const std::int64_t pixels = dims.H * dims.W, C = dims.Ci;
  for_each_block(plan, pixels, [&](std::int64_t image, std::int64_t, std::int64_t begin, std::int64_t end) {
    write_value({begin, end, C, 0}, x.norm, x.y + (n + image) * pixels * C,
                {values + image * pixels * C, pixels, plan.dst_block}, 0);
  });
}

void write_gradient(const ConvPlan& plan, const ConvTranspose2d& dims, const Feature<float>& x,
                    std::int64_t n, float* d, const Gradient<float>& da, const FeatureSums& sums) {
  const std::int64_t pixels = dims.H * dims.W, C = dims.Ci;
  for_each_block(
      plan, pixels, [&](std::int64_t image, std::int64_t block, std::int64_t begin, std::int64_t end) {
        const std::int64_t at = (n + image) * pixels * C, row = (n + image) * blocks_of(pixels) + block;
        write_da({begin, end, C, 0}, x.norm, x.y + at, {d + image * pixels * C, pixels, plan.dst_block}, 0,
                 da.data + at, da.write, sums.da(0, row), sums.da_x_hat(0, row));
      });
}

}  // namespace

void conv_transpose2d_forward(Cpu ctx, const ConvTranspose2d& dims, const Feature<float>& x,
                              const float* weight, float* y) {
  const std::int64_t x_floats = dims.H * dims.W * dims.Ci, y_floats = 4 * dims.H * dims.W * dims.Co;
  const bool copies = bool(x.norm);
  const ConvPlan plan = plan_forward(shape_of(dims), 1, dims.N, ctx.threads, copies);
  const Convolution& convolution =
      ctx.primitives.convolution(planned(shape_of(dims), plan, Direction::dgrad));
  const Buffers weights = pack_weights(ctx, convolution, 1, weight, 4 * dims.Co * dims.Ci);
  const Buffers values(ctx.workspace, plan.outer, copies ? plan.group * x_floats : 0);
  const Buffers scratch(ctx.workspace, plan.outer, convolution.scratch_floats());
  for_each_slice(plan, [&](std::int64_t, std::int64_t begin, std::int64_t end, std::int64_t, int thread) {
    for (std::int64_t n = begin; n < end; n += plan.group) {
      if (copies) write_values(plan, dims, x, n, values[thread]);
      convolution.run(y + n * y_floats, weights[0], copies ? values[thread] : x.y + n * x_floats,
                      scratch[thread]);
    }
  });
}

void conv_transpose2d_backward(Cpu ctx, const ConvTranspose2d& dims, const Feature<float>& x,
                               const float* weight, const float* dy, const FeatureGradient<float>& dx,
                               Gradient<float> dweight) {
  const std::int64_t x_floats = dims.H * dims.W * dims.Ci, y_floats = 4 * dims.H * dims.W * dims.Co;
  const std::int64_t weight_floats = 4 * dims.Co * dims.Ci;
  const ConvPlan plan = plan_backward(shape_of(dims), 1, dims.N, ctx.threads);
  const auto primitive = [&](bool wanted, Direction direction) {
    return wanted ? &ctx.primitives.convolution(planned(shape_of(dims), plan, direction)) : nullptr;
  };
  const Convolution* dgrad = primitive(bool(dx.da), Direction::forward);
  const Convolution* wgrad = primitive(bool(dweight), Direction::wgrad);

  const Buffers values(ctx.workspace, plan.outer, plan.group * x_floats);
  const Buffers scratch(ctx.workspace, plan.outer,
                        std::max(dgrad ? dgrad->scratch_floats() : 0, wgrad ? wgrad->scratch_floats() : 0));
  const Buffers weights = dgrad ? pack_weights(ctx, *dgrad, 1, weight, weight_floats) : Buffers();
  const Buffers dweights(ctx.workspace, plan.slices, wgrad ? wgrad->packed_floats() : 0);
  const Buffers dweights_of_call(ctx.workspace, plan.outer, wgrad ? wgrad->packed_floats() : 0);
  const FeatureSums sums(ctx.workspace, 1, dims.N * blocks_of(dims.H * dims.W), dx.da ? dims.Ci : 0);

  for_each_slice(plan,
                 [&](std::int64_t, std::int64_t begin, std::int64_t end, std::int64_t slice, int thread) {
                   for (std::int64_t n = begin; n < end; n += plan.group) {
                     const float* dy_of_call = dy + n * y_floats;
                     if (wgrad) {
                       write_values(plan, dims, x, n, values[thread]);
                       float* dw = n == begin ? dweights[slice] : dweights_of_call[thread];
                       wgrad->run(dy_of_call, dw, values[thread], scratch[thread]);
                       if (n != begin) add(dweights[slice], dw, wgrad->packed_floats());
                     }
                     if (dgrad) {
                       dgrad->run(dy_of_call, weights[0], values[thread], scratch[thread]);
                       write_gradient(plan, dims, x, n, values[thread], dx.da, sums);
                     }
                   }
                 });
  if (dgrad) sums.add_to(dx);
  if (wgrad) unpack_gradients(ctx, *wgrad, 1, dweights, plan.slices, dweight, weight_floats);
}

}  // namespace fermion::kernels
