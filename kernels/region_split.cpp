#include "kernels/region_split.h"

#include "kernels/feature_sums.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/region_split.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/feature-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fermion::kernels::HWY_NAMESPACE {

// One row of one window: `pixels` neighbours of x to y.
void CopyPixels(std::int64_t pixels, std::int64_t C, const Norm& norm, const float* x, float* y) {
  for_each_channel_vector(C, [&](auto d, std::int64_t c) HWY_ATTR {
    const FeatureVector v(d, norm, c);
    for (std::int64_t at = c; at < pixels * C; at += C) hn::StoreU(v.value(hn::LoadU(d, x + at)), d, y + at);
  });
}

// The gradient of row h of image n of x.
void GatherRow(const RegionSplit& dims, std::int64_t n, std::int64_t h, const Feature<float>& x,
               const float* dy, const Gradient<float>& da, float* sum_da, float* sum_da_x_hat) {
  const RegionAxis rows = dims.rows(), columns = dims.columns();
  const std::int64_t C = dims.C, row = (n * dims.H + h) * dims.W;
  for_each_channel_vector(C, [&](auto d, std::int64_t c) HWY_ATTR {
    const FeatureVector v(d, x.norm, c);
    auto sum = hn::Zero(d), sum_x_hat = hn::Zero(d);
    for (std::int64_t w = 0; w < dims.W; ++w) {
      auto total = hn::Zero(d);
      for (std::int64_t r = 0; r < dims.grid; ++r) {
        const std::int64_t i = h - rows.start(r);
        if (i < 0 || i >= rows.window()) continue;
        for (std::int64_t s = 0; s < dims.grid; ++s) {
          const std::int64_t j = w - columns.start(s);
          if (j < 0 || j >= columns.window()) continue;
          const std::int64_t image = (r * dims.grid + s) * dims.N + n;
          const std::int64_t pixel = (image * rows.window() + i) * columns.window() + j;
          total = hn::Add(total, hn::LoadU(d, dy + pixel * C + c));
        }
      }
      const std::int64_t at = (row + w) * C + c;
      const auto x_hat = v.x_hat(hn::LoadU(d, x.y + at));
      const auto masked = v.mask(x_hat, total);
      store_gradient(d, masked, da.write, da.data + at);
      sum = hn::Add(sum, masked);
      sum_x_hat = hn::MulAdd(masked, x_hat, sum_x_hat);
    }
    hn::StoreU(sum, d, sum_da + c);
    hn::StoreU(sum_x_hat, d, sum_da_x_hat + c);
  });
}

}  // namespace fermion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fermion::kernels {
namespace {

HWY_EXPORT(CopyPixels);
HWY_EXPORT(GatherRow);

}  // namespace

void region_split_forward(Cpu ctx, const RegionSplit& dims, Feature<float> x, float* y) {
  const RegionAxis rows = dims.rows(), columns = dims.columns();
  const std::int64_t h = rows.window(), w = columns.window();
#pragma omp parallel for collapse(2) num_threads(ctx.threads)
  for (std::int64_t k = 0; k < dims.grid * dims.grid; ++k)
    for (std::int64_t n = 0; n < dims.N; ++n)
      for (std::int64_t i = 0; i < h; ++i) {
        const std::int64_t from =
            (n * dims.H + rows.start(k / dims.grid) + i) * dims.W + columns.start(k % dims.grid);
        const std::int64_t to = ((k * dims.N + n) * h + i) * w;
        HWY_DYNAMIC_DISPATCH(CopyPixels)(w, dims.C, x.norm, x.y + from * dims.C, y + to * dims.C);
      }
}

void region_split_backward(Cpu ctx, const RegionSplit& dims, Feature<float> x, const float* dy,
                           FeatureGradient<float> dx) {
  const FeatureSums sums(ctx.workspace, 1, dims.N * dims.H, dims.C);
#pragma omp parallel for collapse(2) num_threads(ctx.threads)
  for (std::int64_t n = 0; n < dims.N; ++n)
    for (std::int64_t h = 0; h < dims.H; ++h) {
      const std::int64_t chunk = n * dims.H + h;
      HWY_DYNAMIC_DISPATCH(GatherRow)
      (dims, n, h, x, dy, dx.da, sums.da(0, chunk), sums.da_x_hat(0, chunk));
    }
  sums.add_to(dx);
}

}  // namespace fermion::kernels
#endif
