// A vectorised exponential. Include it behind foreach_target.h and hwy/highway.h.
#if defined(FERMION_KERNELS_EXP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FERMION_KERNELS_EXP_INL_H_
#undef FERMION_KERNELS_EXP_INL_H_
#else
#define FERMION_KERNELS_EXP_INL_H_
#endif

#include <hwy/highway.h>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace fermion::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// 2^y within 1.3e-7 of itself; 2^0 is 1. Below -126 it is 0 (no subnormal numbers), from 127.5 on infinite.
// NaN travels, which hwy/contrib/math's Exp would turn into 0.
//
// y = n + f with n whole and |f| <= 1/2; 2^f is a polynomial with the smallest largest relative error, 2^n is
// n + 127 in the exponent.
template <class D>
HWY_INLINE hn::Vec<D> exp2(D d, hn::Vec<D> y) {
  // Adding 1.5 2^23 rounds to a whole number and leaves n + 127 in the low bits.
  const auto shift = hn::Set(d, 12582912.0f + 127.0f);
  const auto shifted = hn::Add(y, shift);
  const auto f = hn::Sub(y, hn::Sub(shifted, shift));
  auto p = hn::Set(d, 1.53533619e-4f);
  p = hn::MulAdd(p, f, hn::Set(d, 1.33988750e-3f));
  p = hn::MulAdd(p, f, hn::Set(d, 9.61843692e-3f));
  p = hn::MulAdd(p, f, hn::Set(d, 5.55033237e-2f));
  p = hn::MulAdd(p, f, hn::Set(d, 2.40226477e-1f));
  p = hn::MulAdd(p, f, hn::Set(d, 6.93147182e-1f));
  p = hn::MulAdd(p, f, hn::Set(d, 1.0f));
  const hn::Repartition<std::int32_t, D> di;
  const auto power = hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(di, shifted)));
  const auto infinity = hn::Set(d, std::numeric_limits<float>::infinity());
  const auto bounded = hn::IfThenElse(hn::Ge(y, hn::Set(d, 127.5f)), infinity, hn::Mul(p, power));
  return hn::IfThenZeroElse(hn::Lt(y, hn::Set(d, -126.0f)), bounded);
}

}  // namespace fermion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
