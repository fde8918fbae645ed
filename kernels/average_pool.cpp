#include "kernels/average_pool.h"

#include "kernels/feature_sums.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/average_pool.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/feature-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fermion::kernels::HWY_NAMESPACE {

// Image n of weight set k: the means of its cells. Rows are summed first, so that no f32 sum is long.
void PoolImage(const AveragePool& dims, std::int64_t k, std::int64_t n, const Feature<float>& x, float* y) {
  const std::int64_t N = dims.x.N, H = dims.x.H, W = dims.x.W, C = dims.x.C;
  const std::int64_t G = dims.grid, h = H / G, w = W / G, image = k * N + n;
  for_each_vector(C, [&](auto d, std::int64_t c) HWY_ATTR {
    const FeatureVector v(d, x.norm, k * C + c);
    const auto share = hn::Set(d, 1.0f / static_cast<float>(h * w));
    for (std::int64_t cell = 0; cell < G * G; ++cell) {
      auto total = hn::Zero(d);
      for (std::int64_t i = 0; i < h; ++i) {
        const float* row = x.y + ((image * H + cell / G * h + i) * W + cell % G * w) * C + c;
        auto sum = hn::Zero(d);
        for (std::int64_t j = 0; j < w; ++j) sum = hn::Add(sum, v.value(hn::LoadU(d, row + j * C)));
        total = hn::Add(total, sum);
      }
      hn::StoreU(hn::Mul(total, share), d, y + (image * G * G + cell) * C + c);
    }
  });
}

void SpreadImage(const AveragePool& dims, std::int64_t k, std::int64_t n, const Feature<float>& x,
                 const float* dy, const Gradient<float>& da, float* sum_da, float* sum_da_x_hat) {
  const std::int64_t N = dims.x.N, H = dims.x.H, W = dims.x.W, C = dims.x.C;
  const std::int64_t G = dims.grid, h = H / G, w = W / G, image = k * N + n;
  for_each_vector(C, [&](auto d, std::int64_t c) HWY_ATTR {
    const FeatureVector v(d, x.norm, k * C + c);
    const auto share = hn::Set(d, 1.0f / static_cast<float>(h * w));
    GradientSums sums(d, sum_da + c, sum_da_x_hat + c);
    for (std::int64_t i = 0; i < H; ++i)
      for (std::int64_t j = 0; j < W; ++j) {
        const std::int64_t cell = (image * G + i / h) * G + j / w, at = ((image * H + i) * W + j) * C + c;
        const auto gradient = hn::Mul(hn::LoadU(d, dy + cell * C + c), share);
        sums.add(v, hn::LoadU(d, x.y + at), gradient, da.write, da.data + at);
      }
    sums.store(sum_da + c, sum_da_x_hat + c);
  });
}

}  // namespace fermion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fermion::kernels {
namespace {

HWY_EXPORT(PoolImage);
HWY_EXPORT(SpreadImage);

}  // namespace

void average_pool_forward(Cpu ctx, const AveragePool& dims, Feature<float> x, float* y) {
#pragma omp parallel for collapse(2) num_threads(ctx.threads)
  for (std::int64_t k = 0; k < dims.x.K; ++k)
    for (std::int64_t n = 0; n < dims.x.N; ++n) HWY_DYNAMIC_DISPATCH(PoolImage)(dims, k, n, x, y);
}

void average_pool_backward(Cpu ctx, const AveragePool& dims, Feature<float> x, const float* dy,
                           FeatureGradient<float> dx) {
  const FeatureSums sums(ctx.workspace, dims.x.K, dims.x.N, dims.x.C);
#pragma omp parallel for collapse(2) num_threads(ctx.threads)
  for (std::int64_t k = 0; k < dims.x.K; ++k)
    for (std::int64_t n = 0; n < dims.x.N; ++n)
      HWY_DYNAMIC_DISPATCH(SpreadImage)(dims, k, n, x, dy, dx.da, sums.da(k, n), sums.da_x_hat(k, n));
  sums.add_to(dx);
}

}  // namespace fermion::kernels
#endif
