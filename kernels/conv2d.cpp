#include "kernels/conv2d.h"

#include <cmath>

#include "kernels/accumulate.h"
#include "kernels/conv_plan.h"
#include "kernels/feature_sums.h"

namespace fermion::kernels {
namespace {

ConvolutionKey shape_of(const Conv2d& dims) {
  ConvolutionKey shape;
  shape.H = dims.H;
  shape.W = dims.W;
  shape.Ci = dims.Ci();
  shape.Co = dims.Co;
  shape.kernel = dims.kernel;
  shape.stride = dims.stride;
  shape.padding = dims.padding();
  return shape;
}

// Whether the inputs lie in memory just as oneDNN wants value(x).
bool direct(const Conv2dInput<float>& x, const Conv2d& dims, std::int64_t block) {
  return !x.second.y && !x.first.norm && block == dims.Ci();
}

// value(x) of one call's images from `n` on, both inputs side by side.
void write_values(const ConvPlan& plan, const Conv2d& dims, const Conv2dInput<float>& x, std::int64_t k,
                  std::int64_t n, float* values) {
  const std::int64_t pixels = dims.H * dims.W;
  for_each_block(plan, pixels, [&](std::int64_t image, std::int64_t, std::int64_t begin, std::int64_t end) {
    const BlockedImage to{values + image * pixels * dims.Ci(), pixels, plan.src_block};
    const std::int64_t pixel = (k * dims.N + n + image) * pixels, first = dims.first_channels;
    write_value({begin, end, first, k}, x.first.norm, x.first.y + pixel * first, to, 0);
    if (x.second.y)
      write_value({begin, end, dims.second_channels, k}, x.second.norm,
                  x.second.y + pixel * dims.second_channels, to, first);
  });
}

void write_relu(const ConvPlan& plan, const Conv2d& dims, float* y) {
  const std::int64_t pixels = dims.Ho() * dims.Wo(), C = dims.Co;
  for_each_block(plan, pixels, [&](std::int64_t image, std::int64_t, std::int64_t begin, std::int64_t end) {
    relu(y + (image * pixels + begin) * C, (end - begin) * C);
  });
}

// Per block of pixels of each image, mean and sum of squared deviations; merged in order, in f64.
class Statistics {
 public:
  Statistics(Cpu ctx, const Conv2d& dims, bool wanted)
      : dims_(dims),
        pixels_(dims.Ho() * dims.Wo()),
        rows_(dims.N * blocks_of(pixels_)),
        partials_(wanted ? ctx.workspace.take<float>(dims.K * rows_ * 2 * dims.Co) : nullptr) {}

  void add(const ConvPlan& plan, std::int64_t k, std::int64_t n, const float* y) const {
    for_each_block(
        plan, pixels_, [&](std::int64_t image, std::int64_t block, std::int64_t begin, std::int64_t end) {
          float* mean = row(k, (n + image) * blocks_of(pixels_) + block);
          write_statistics({begin, end, dims_.Co, k}, y + image * pixels_ * dims_.Co, mean, mean + dims_.Co);
        });
  }

  void finish(float* mean, float* inv_std) const {
    const auto M = static_cast<double>(dims_.N * pixels_);
    for (std::int64_t k = 0; k < dims_.K; ++k)
      for (std::int64_t c = 0; c < dims_.Co; ++c) {
        double sum = 0, m2 = 0;
        for (std::int64_t r = 0; r < rows_; ++r) sum += count(r) * row(k, r)[c];
        for (std::int64_t r = 0; r < rows_; ++r) {
          const double deviation = row(k, r)[c] - sum / M;
          m2 += row(k, r)[dims_.Co + c] + count(r) * deviation * deviation;
        }
        mean[k * dims_.Co + c] = static_cast<float>(sum / M);
        inv_std[k * dims_.Co + c] = static_cast<float>(1 / std::sqrt(m2 / M + 1e-5));
      }
  }

 private:
  float* row(std::int64_t k, std::int64_t r) const { return partials_ + (k * rows_ + r) * 2 * dims_.Co; }
  double count(std::int64_t r) const {
    const std::int64_t begin = r % blocks_of(pixels_) * block_pixels;
    return static_cast<double>(std::min(block_pixels, pixels_ - begin));
  }

  Conv2d dims_;
  std::int64_t pixels_, rows_;
  float* partials_;
};

// The passes of conv2d_backward over one call's images, from `n` on.
class Backward {
 public:
  Backward(Cpu ctx, const Conv2d& dims, const ConvPlan& plan, const Conv2dInput<float>& x,
           const Feature<float>& y, const Conv2dArrived<float>& arrived,
           const Conv2dGradient<float>& gradient)
      : dims_(dims),
        plan_(plan),
        x_(x),
        y_(y),
        arrived_(arrived),
        gradient_(gradient),
        first_sums_(ctx.workspace, dims.K, rows(), gradient.first.da ? dims.first_channels : 0),
        second_sums_(ctx.workspace, dims.K, rows(), gradient.second.da ? dims.second_channels : 0) {}

  void write_dy(std::int64_t k, std::int64_t n, float* dy) const {
    const std::int64_t pixels = dims_.Ho() * dims_.Wo(), C = dims_.Co;
    for_each_block(plan_, pixels,
                   [&](std::int64_t image, std::int64_t, std::int64_t begin, std::int64_t end) {
                     const std::int64_t at = (k * dims_.N + n + image) * pixels * C;
                     kernels::write_dy({begin, end, C, k}, y_.norm, arrived_.sum_da, arrived_.sum_da_x_hat,
                                       dims_.N * pixels, y_.y + at, arrived_.da + at,
                                       {dy + image * pixels * C, pixels, plan_.dst_block});
                   });
  }

  // From the gradient of value(x), both inputs' da and their sums.
  void write_da(std::int64_t k, std::int64_t n, float* d) const {
    write_da(k, n, d, x_.first, gradient_.first.da, first_sums_, dims_.first_channels, 0);
    write_da(k, n, d, x_.second, gradient_.second.da, second_sums_, dims_.second_channels,
             dims_.first_channels);
  }

  void finish() const {
    first_sums_.add_to(gradient_.first);
    second_sums_.add_to(gradient_.second);
  }

 private:
  std::int64_t rows() const { return dims_.N * blocks_of(dims_.H * dims_.W); }

  void write_da(std::int64_t k, std::int64_t n, float* d, const Feature<float>& x, const Gradient<float>& da,
                const FeatureSums& sums, std::int64_t C, std::int64_t first) const {
    if (!da) return;
    const std::int64_t pixels = dims_.H * dims_.W;
    for_each_block(plan_, pixels,
                   [&](std::int64_t image, std::int64_t block, std::int64_t begin, std::int64_t end) {
                     const std::int64_t at = (k * dims_.N + n + image) * pixels * C;
                     const std::int64_t row = (n + image) * blocks_of(pixels) + block;
                     kernels::write_da({begin, end, C, k}, x.norm, x.y + at,
                                       {d + image * pixels * dims_.Ci(), pixels, plan_.src_block}, first,
                                       da.data + at, da.write, sums.da(k, row), sums.da_x_hat(k, row));
                   });
  }

  const Conv2d& dims_;
  const ConvPlan& plan_;
  const Conv2dInput<float>& x_;
  const Feature<float>& y_;
  const Conv2dArrived<float>& arrived_;
  const Conv2dGradient<float>& gradient_;
  FeatureSums first_sums_, second_sums_;
};

void write_or_add(const Gradient<float>& to, const float* from, std::int64_t count) {
  if (!to) return;
  for (std::int64_t i = 0; i < count; ++i) put(from[i], to.write, to.data[i]);
}

}  // namespace

void conv2d_forward(Cpu ctx, const Conv2d& dims, const Conv2dInput<float>& x, const float* weight,
                    const Conv2dOutput<float>& y) {
  const std::int64_t src_floats = dims.H * dims.W * dims.Ci(), dst_floats = dims.Ho() * dims.Wo() * dims.Co;
  const bool copies = !direct(x, dims, dims.Ci());
  const ConvPlan plan = plan_forward(shape_of(dims), dims.K, dims.N, ctx.threads, copies || y.mean || y.relu);
  ConvolutionKey key = planned(shape_of(dims), plan, Direction::forward);
  key.bias = y.bias != nullptr;
  const Convolution& convolution = ctx.primitives.convolution(key);

  const Buffers weights =
      pack_weights(ctx, convolution, dims.K, weight, dims.Co * dims.kernel * dims.kernel * dims.Ci());
  const Buffers values(ctx.workspace, plan.outer, copies ? plan.group * src_floats : 0);
  const Buffers scratch(ctx.workspace, plan.outer, convolution.scratch_floats());
  const Statistics statistics(ctx, dims, y.mean != nullptr);
  for_each_slice(plan, [&](std::int64_t k, std::int64_t begin, std::int64_t end, std::int64_t, int thread) {
    for (std::int64_t n = begin; n < end; n += plan.group) {
      if (copies) write_values(plan, dims, x, k, n, values[thread]);
      const float* src = copies ? values[thread] : x.first.y + (k * dims.N + n) * src_floats;
      float* dst = y.y + (k * dims.N + n) * dst_floats;
      convolution.run(src, weights[k], dst, scratch[thread], y.bias ? y.bias + k * dims.Co : nullptr);
      if (y.mean) statistics.add(plan, k, n, dst);
      if (y.relu) write_relu(plan, dims, dst);
    }
  });
  if (y.mean) statistics.finish(y.mean, y.inv_std);
}

void conv2d_backward(Cpu ctx, const Conv2d& dims, const Conv2dInput<float>& x, const float* weight,
                     const Feature<float>& y, const Conv2dArrived<float>& arrived,
                     const Conv2dGradient<float>& gradient) {
  const std::int64_t src_floats = dims.H * dims.W * dims.Ci(), dst_floats = dims.Ho() * dims.Wo() * dims.Co;
  const std::int64_t weight_floats = dims.Co * dims.kernel * dims.kernel * dims.Ci();
  const bool wants_dx = gradient.first.da || gradient.second.da, wants_dw = bool(gradient.weight);
  const ConvPlan plan = plan_backward(shape_of(dims), dims.K, dims.N, ctx.threads);
  const auto primitive = [&](Direction direction) -> const Convolution& {
    return ctx.primitives.convolution(planned(shape_of(dims), plan, direction));
  };
  const Convolution* dgrad = wants_dx ? &primitive(Direction::dgrad) : nullptr;
  const Convolution* wgrad = wants_dw ? &primitive(Direction::wgrad) : nullptr;

  const bool copies_y = y.norm || plan.dst_block != dims.Co, copies_x = !direct(x, dims, plan.src_block);
  const bool copies_dx = copies_x || gradient.first.da.write == Write::accumulate;
  const Buffers dys(ctx.workspace, plan.outer, copies_y ? plan.group * dst_floats : 0);
  const Buffers values(ctx.workspace, plan.outer,
                       (wants_dw && copies_x) || (wants_dx && copies_dx) ? plan.group * src_floats : 0);
  const Buffers scratch(ctx.workspace, plan.outer,
                        std::max(dgrad ? dgrad->scratch_floats() : 0, wgrad ? wgrad->scratch_floats() : 0));
  const Buffers weights = dgrad ? pack_weights(ctx, *dgrad, dims.K, weight, weight_floats) : Buffers();
  const Buffers dweights(ctx.workspace, dims.K * plan.slices, wgrad ? wgrad->packed_floats() : 0);
  const Buffers dweights_of_call(ctx.workspace, plan.outer, wgrad ? wgrad->packed_floats() : 0);
  const Backward passes(ctx, dims, plan, x, y, arrived, gradient);

  for_each_slice(
      plan, [&](std::int64_t k, std::int64_t begin, std::int64_t end, std::int64_t slice, int thread) {
        for (std::int64_t n = begin; n < end; n += plan.group) {
          const std::int64_t image = k * dims.N + n;
          const float* dy = copies_y ? dys[thread] : arrived.da + image * dst_floats;
          if (copies_y) passes.write_dy(k, n, dys[thread]);
          if (wgrad) {
            if (copies_x) write_values(plan, dims, x, k, n, values[thread]);
            float* sum = dweights[k * plan.slices + slice];
            float* dw = n == begin ? sum : dweights_of_call[thread];
            wgrad->run(copies_x ? values[thread] : x.first.y + image * src_floats, dw, dy, scratch[thread]);
            if (n != begin) add(sum, dw, wgrad->packed_floats());
          }
          if (dgrad) {
            float* dx = copies_dx ? values[thread] : gradient.first.da.data + image * src_floats;
            dgrad->run(dx, weights[k], dy, scratch[thread]);
            if (copies_dx) passes.write_da(k, n, dx);
          }
        }
      });
  passes.finish();
  if (wgrad) unpack_gradients(ctx, *wgrad, dims.K, dweights, plan.slices, gradient.weight, weight_floats);
  write_or_add(gradient.gain, arrived.sum_da_x_hat, dims.K * dims.Co);
  write_or_add(gradient.shift, arrived.sum_da, dims.K * dims.Co);
}

}  // namespace fermion::kernels
