#include "kernels/max_pool2d.h"

#include "kernels/feature_sums.h"
#include "kernels/row_chunks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/max_pool2d.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/feature-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fermion::kernels::HWY_NAMESPACE {

// The largest value of a window, its x_hat, and which of the four pixels it is.
template <class D>
class Winner {
 public:
  using V = hn::Vec<D>;

  // y: the window's first pixel; its others lie `pixel` and `row` numbers further on.
  HWY_INLINE Winner(D d, const FeatureVector<D>& x, const float* y, std::int64_t pixel, std::int64_t row)
      : value(x.value(hn::LoadU(d, y))), x_hat(x.x_hat(hn::LoadU(d, y))), index(hn::Zero(d)) {
    challenge(d, x, hn::LoadU(d, y + pixel), 1);
    challenge(d, x, hn::LoadU(d, y + row), 2);
    challenge(d, x, hn::LoadU(d, y + row + pixel), 3);
  }

  V value, x_hat, index;

 private:
  HWY_INLINE void challenge(D d, const FeatureVector<D>& x, V y, float i) {
    const V v = x.value(y);
    const auto stays = hn::Or(hn::Le(v, value), hn::IsNaN(value));
    value = hn::IfThenElse(stays, value, v);
    x_hat = hn::IfThenElse(stays, x_hat, x.x_hat(y));
    index = hn::IfThenElse(stays, index, hn::Set(d, i));
  }
};

// One row of y from two rows of x.
void PoolRow(const ImageDims& dims, std::int64_t k, const Feature<float>& x, const float* rows, float* y) {
  const std::int64_t C = dims.C;
  for_each_vector(C, [&](auto d, std::int64_t c) HWY_ATTR {
    const FeatureVector v(d, x.norm, k * C + c);
    for (std::int64_t j = 0; j < dims.W / 2; ++j)
      hn::StoreU(Winner(d, v, rows + 2 * j * C + c, C, dims.W * C).value, d, y + j * C + c);
  });
}

// The gradient of two rows of x, which start at `rows` in x and in da.
void UnpoolRow(const ImageDims& dims, std::int64_t k, const Feature<float>& x, std::int64_t rows,
               const float* dy, const Gradient<float>& da, float* sum_da, float* sum_da_x_hat) {
  const std::int64_t C = dims.C, row = dims.W * C;
  for_each_vector(C, [&](auto d, std::int64_t c) HWY_ATTR {
    const FeatureVector v(d, x.norm, k * C + c);
    GradientSums sums(d, sum_da + c, sum_da_x_hat + c);
    for (std::int64_t j = 0; j < dims.W / 2; ++j) {
      const std::int64_t at = rows + 2 * j * C + c;
      const Winner winner(d, v, x.y + at, C, row);
      const auto masked = v.mask(winner.x_hat, hn::LoadU(d, dy + j * C + c));
      const auto of_pixel = [&](float i) HWY_ATTR {
        return hn::IfThenElseZero(hn::Eq(winner.index, hn::Set(d, i)), masked);
      };
      store_gradient(d, of_pixel(0), da.write, da.data + at);
      store_gradient(d, of_pixel(1), da.write, da.data + at + C);
      store_gradient(d, of_pixel(2), da.write, da.data + at + row);
      store_gradient(d, of_pixel(3), da.write, da.data + at + row + C);
      sums.add(masked, winner.x_hat);
    }
    sums.store(sum_da + c, sum_da_x_hat + c);
  });
}

}  // namespace fermion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fermion::kernels {
namespace {

HWY_EXPORT(PoolRow);
HWY_EXPORT(UnpoolRow);

// Pixels of the two rows at `da` that no window reads: the odd last column, or all of an odd last row.
void zero_dropped(const ImageDims& dims, bool odd_row, float* da) {
  const std::int64_t C = dims.C, row = dims.W * C;
  if (odd_row) {
    std::fill_n(da, row, 0.0f);
  } else if (dims.W % 2 == 1) {
    std::fill_n(da + row - C, C, 0.0f);
    std::fill_n(da + 2 * row - C, C, 0.0f);
  }
}

}  // namespace

void max_pool2d_forward(Cpu ctx, const ImageDims& dims, Feature<float> x, float* y) {
  const std::int64_t per_image = dims.H / 2, row = dims.W * dims.C, row_y = dims.W / 2 * dims.C;
#pragma omp parallel for collapse(2) num_threads(ctx.threads)
  for (std::int64_t image = 0; image < dims.K * dims.N; ++image)
    for (std::int64_t i = 0; i < per_image; ++i) HWY_DYNAMIC_DISPATCH(PoolRow)
  (dims, image / dims.N, x, x.y + (image * dims.H + 2 * i) * row, y + (image * per_image + i) * row_y);
}

void max_pool2d_backward(Cpu ctx, const ImageDims& dims, Feature<float> x, const float* dy,
                         FeatureGradient<float> dx) {
  const std::int64_t row = dims.W * dims.C, row_y = dims.W / 2 * dims.C;
  const std::int64_t per_image = (dims.H + 1) / 2;  // pairs of rows; the last may be half a pair
  const RowChunks chunks(dims.N * per_image, 2 * dims.W, dims.C);
  const FeatureSums sums(ctx.workspace, dims.K, chunks.count(), dims.C);
#pragma omp parallel for collapse(2) num_threads(ctx.threads)
  for (std::int64_t k = 0; k < dims.K; ++k)
    for (std::int64_t chunk = 0; chunk < chunks.count(); ++chunk)
      for (std::int64_t pair = chunks.begin(chunk); pair < chunks.end(chunk); ++pair) {
        const std::int64_t image = k * dims.N + pair / per_image, i = pair % per_image;
        const std::int64_t rows = (image * dims.H + 2 * i) * row;
        const bool odd_row = 2 * i + 1 == dims.H;
        if (dx.da.write == Write::overwrite) zero_dropped(dims, odd_row, dx.da.data + rows);
        if (!odd_row) HWY_DYNAMIC_DISPATCH(UnpoolRow)
        (dims, k, x, rows, dy + (image * (dims.H / 2) + i) * row_y, dx.da, sums.da(k, chunk),
         sums.da_x_hat(k, chunk));
      }
  sums.add_to(dx);
}

}  // namespace fermion::kernels
#endif
