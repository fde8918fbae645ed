#include "kernels/region_split.h"

#include <omp.h>

#include "kernels/conv_passes.h"
#include "kernels/feature_sums.h"
#include "kernels/row_chunks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/region_split.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/feature-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fermion::kernels::HWY_NAMESPACE {

void CopyPixels(std::int64_t pixels, std::int64_t C, const Norm& norm, const float* x, float* y) {
  for_each_vector(C, [&](auto d, std::int64_t c) HWY_ATTR {
    const FeatureVector v(d, norm, c);
    for (std::int64_t at = c; at < pixels * C; at += C) hn::StoreU(v.value(hn::LoadU(d, x + at)), d, y + at);
  });
}

void MaskPixels(std::int64_t pixels, std::int64_t C, const Norm& norm, const float* x, const float* gathered,
                const Gradient<float>& da, float* sum_da, float* sum_da_x_hat) {
  for_each_vector(C, [&](auto d, std::int64_t c) HWY_ATTR {
    const FeatureVector v(d, norm, c);
    GradientSums sums(d, sum_da + c, sum_da_x_hat + c);
    for (std::int64_t at = c; at < pixels * C; at += C)
      sums.add(v, hn::LoadU(d, x + at), hn::LoadU(d, gathered + at), da.write, da.data + at);
    sums.store(sum_da + c, sum_da_x_hat + c);
  });
}

}  // namespace fermion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fermion::kernels {
namespace {

HWY_EXPORT(CopyPixels);
HWY_EXPORT(MaskPixels);

// The sum of dy over the windows that hold row h of image n; gathered: [W, C].
void gather_row(const RegionSplit& dims, std::int64_t n, std::int64_t h, const float* dy, float* gathered) {
  const RegionAxis rows = dims.rows(), columns = dims.columns();
  const std::int64_t window_row = columns.window() * dims.C;
  std::fill_n(gathered, dims.W * dims.C, 0.0f);
  for (std::int64_t r = 0; r < dims.grid; ++r) {
    const std::int64_t i = h - rows.start(r);
    if (i < 0 || i >= rows.window()) continue;
    for (std::int64_t s = 0; s < dims.grid; ++s) {
      const std::int64_t k = r * dims.grid + s;
      add(gathered + columns.start(s) * dims.C, dy + ((k * dims.N + n) * rows.window() + i) * window_row,
          window_row);
    }
  }
}

}  // namespace

void region_split_forward(Cpu ctx, const RegionSplit& dims, Feature<float> x, float* y) {
  const RegionAxis rows = dims.rows(), columns = dims.columns();
#pragma omp parallel for collapse(3) num_threads(ctx.threads)
  for (std::int64_t k = 0; k < dims.grid * dims.grid; ++k)
    for (std::int64_t n = 0; n < dims.N; ++n)
      for (std::int64_t i = 0; i < rows.window(); ++i) {
        const std::int64_t h = rows.start(k / dims.grid) + i, w = columns.start(k % dims.grid);
        HWY_DYNAMIC_DISPATCH(CopyPixels)
        (columns.window(), dims.C, x.norm, x.y + ((n * dims.H + h) * dims.W + w) * dims.C,
         y + ((k * dims.N + n) * rows.window() + i) * columns.window() * dims.C);
      }
}

void region_split_backward(Cpu ctx, const RegionSplit& dims, Feature<float> x, const float* dy,
                           FeatureGradient<float> dx) {
  const std::int64_t row_size = dims.W * dims.C;
  const RowChunks chunks(dims.N * dims.H, dims.W, dims.C);
  const FeatureSums sums(ctx.workspace, 1, chunks.count(), dims.C);
  float* const gathered = ctx.workspace.take<float>(ctx.threads * row_size);
#pragma omp parallel for num_threads(ctx.threads)
  for (std::int64_t chunk = 0; chunk < chunks.count(); ++chunk)
    for (std::int64_t row = chunks.begin(chunk); row < chunks.end(chunk); ++row) {
      float* const own = gathered + omp_get_thread_num() * row_size;
      gather_row(dims, row / dims.H, row % dims.H, dy, own);
      HWY_DYNAMIC_DISPATCH(MaskPixels)
      (dims.W, dims.C, x.norm, x.y + row * row_size, own, {dx.da.data + row * row_size, dx.da.write},
       sums.da(0, chunk), sums.da_x_hat(0, chunk));
    }
  sums.add_to(dx);
}

}  // namespace fermion::kernels
#endif
