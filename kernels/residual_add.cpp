#include "kernels/residual_add.h"

#include <algorithm>

#include "kernels/feature_sums.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/residual_add.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/feature-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fermion::kernels::HWY_NAMESPACE {

// Pixels begin..end of weight set k.
void AddPixels(const ImageDims& dims, std::int64_t k, std::int64_t begin, std::int64_t end,
               const Feature<float>& a, const Feature<float>& b, float* y) {
  const std::int64_t C = dims.C;
  for_each_vector(C, [&](auto d, std::int64_t c) HWY_ATTR {
    const FeatureVector va(d, a.norm, k * C + c), vb(d, b.norm, k * C + c);
    for (std::int64_t at = begin * C + c; at < end * C; at += C)
      hn::StoreU(hn::Add(va.value(hn::LoadU(d, a.y + at)), vb.value(hn::LoadU(d, b.y + at))), d, y + at);
  });
}

void MaskPixels(const ImageDims& dims, std::int64_t k, std::int64_t begin, std::int64_t end,
                const Feature<float>& x, const float* dy, const Gradient<float>& da, float* sum_da,
                float* sum_da_x_hat) {
  const std::int64_t C = dims.C;
  for_each_vector(C, [&](auto d, std::int64_t c) HWY_ATTR {
    const FeatureVector v(d, x.norm, k * C + c);
    GradientSums sums(d, sum_da + c, sum_da_x_hat + c);
    for (std::int64_t at = begin * C + c; at < end * C; at += C)
      sums.add(v, hn::LoadU(d, x.y + at), hn::LoadU(d, dy + at), da.write, da.data + at);
    sums.store(sum_da + c, sum_da_x_hat + c);
  });
}

}  // namespace fermion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fermion::kernels {
namespace {

HWY_EXPORT(AddPixels);
HWY_EXPORT(MaskPixels);

constexpr std::int64_t chunk_pixels = 512;

}  // namespace

void residual_add_forward(Cpu ctx, const ImageDims& dims, Feature<float> a, Feature<float> b, float* y) {
  const std::int64_t pixels = dims.N * dims.H * dims.W, chunks = (pixels + chunk_pixels - 1) / chunk_pixels;
#pragma omp parallel for collapse(2) num_threads(ctx.threads)
  for (std::int64_t k = 0; k < dims.K; ++k)
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
      const std::int64_t begin = k * pixels + chunk * chunk_pixels;
      const std::int64_t end = std::min(begin + chunk_pixels, (k + 1) * pixels);
      HWY_DYNAMIC_DISPATCH(AddPixels)(dims, k, begin, end, a, b, y);
    }
}

void residual_add_backward(Cpu ctx, const ImageDims& dims, Feature<float> x, const float* dy,
                           FeatureGradient<float> dx) {
  const std::int64_t pixels = dims.N * dims.H * dims.W, chunks = (pixels + chunk_pixels - 1) / chunk_pixels;
  const FeatureSums sums(ctx.workspace, dims.K, chunks, dims.C);
#pragma omp parallel for collapse(2) num_threads(ctx.threads)
  for (std::int64_t k = 0; k < dims.K; ++k)
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
      const std::int64_t begin = k * pixels + chunk * chunk_pixels;
      const std::int64_t end = std::min(begin + chunk_pixels, (k + 1) * pixels);
      HWY_DYNAMIC_DISPATCH(MaskPixels)
      (dims, k, begin, end, x, dy, dx.da, sums.da(k, chunk), sums.da_x_hat(k, chunk));
    }
  sums.add_to(dx);
}

}  // namespace fermion::kernels
#endif
