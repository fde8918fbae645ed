// The vector form of a feature (kernels/feature.h), for the loops of every kernel that reads one. Include it
// behind foreach_target.h and hwy/highway.h. A reader's forward and backward see the same bits of value(x),
// so that a mask or a maximum is decided alike in both.
//
//   for_each_vector(C, [&](auto d, std::int64_t c) HWY_ATTR {
//     // The norm's constants, in registers; then this chunk's row of FeatureSums.
//     const FeatureVector x(d, norm, k * C + c);
//     GradientSums sums(d, sum_da + c, sum_da_x_hat + c);
//     for (each pixel)
//       sums.add(x, hn::LoadU(d, y + pixel * C + c), ...gradient of value(x)..., write, da + pixel * C + c);
//     sums.store(sum_da + c, sum_da_x_hat + c);
//   });
#if defined(FERMION_KERNELS_FEATURE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FERMION_KERNELS_FEATURE_INL_H_
#undef FERMION_KERNELS_FEATURE_INL_H_
#else
#define FERMION_KERNELS_FEATURE_INL_H_
#endif

#include <hwy/highway.h>

#include "kernels/feature.h"

HWY_BEFORE_NAMESPACE();
namespace fermion::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The norm of one vector of channels; the identity where there is none.
template <class D>
class FeatureVector {
 public:
  using V = hn::Vec<D>;

  // index: k C + c of the first channel.
  HWY_INLINE FeatureVector(D d, const Norm& norm, std::int64_t index)
      : gain_(norm ? hn::LoadU(d, norm.gain + index) : hn::Set(d, 1.0f)),
        shift_(norm ? hn::LoadU(d, norm.shift + index) : hn::Zero(d)),
        mean_(norm ? hn::LoadU(d, norm.mean + index) : hn::Zero(d)),
        inv_std_(norm ? hn::LoadU(d, norm.inv_std + index) : hn::Set(d, 1.0f)),
        relu_(norm && norm.relu) {}

  HWY_INLINE V x_hat(V y) const { return hn::Mul(hn::Sub(y, mean_), inv_std_); }

  // NaN travels: relu(z) = z < 0 ? 0 : z.
  HWY_INLINE V value(V y) const {
    const V z = hn::MulAdd(x_hat(y), gain_, shift_);
    return relu_ ? hn::IfThenZeroElse(hn::Lt(z, zero()), z) : z;
  }

  // da from d, the gradient of value(x).
  HWY_INLINE V mask(V x_hat, V d) const {
    return relu_ ? hn::IfThenZeroElse(hn::Le(hn::MulAdd(x_hat, gain_, shift_), zero()), d) : d;
  }

 private:
  HWY_INLINE static V zero() { return hn::Zero(D()); }

  V gain_, shift_, mean_, inv_std_;
  bool relu_;
};

template <class D>
HWY_INLINE void store_gradient(D d, hn::Vec<D> gradient, Write write, float* to) {
  hn::StoreU(write == Write::accumulate ? hn::Add(hn::LoadU(d, to), gradient) : gradient, d, to);
}

// A reader's backward for one vector of channels: da of pixel after pixel, and their sums.
template <class D>
class GradientSums {
 public:
  using V = hn::Vec<D>;

  // Goes on from sums that are there.
  HWY_INLINE GradientSums(D d, const float* sum_da, const float* sum_da_x_hat)
      : sum_da_(hn::LoadU(d, sum_da)), sum_da_x_hat_(hn::LoadU(d, sum_da_x_hat)) {}

  // `gradient`, that of value(x), becomes da and goes to `da`.
  HWY_INLINE void add(const FeatureVector<D>& x, V y, V gradient, Write write, float* da) {
    const V x_hat = x.x_hat(y), masked = x.mask(x_hat, gradient);
    store_gradient(D(), masked, write, da);
    add(masked, x_hat);
  }
  HWY_INLINE void add(V da, V x_hat) {
    sum_da_ = hn::Add(sum_da_, da);
    sum_da_x_hat_ = hn::MulAdd(da, x_hat, sum_da_x_hat_);
  }
  HWY_INLINE void store(float* sum_da, float* sum_da_x_hat) const {
    hn::StoreU(sum_da_, D(), sum_da);
    hn::StoreU(sum_da_x_hat_, D(), sum_da_x_hat);
  }

 private:
  V sum_da_, sum_da_x_hat_;
};

// Calls body(d, i) for each whole vector of `count` floats, then for those that remain one by one.
template <class Body>
HWY_INLINE void for_each_vector(std::int64_t count, const Body& body) {
  const hn::ScalableTag<float> d;
  const std::int64_t lanes = hn::Lanes(d);
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) body(d, i);
  for (; i < count; ++i) body(hn::CappedTag<float, 1>(), i);
}

}  // namespace fermion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
