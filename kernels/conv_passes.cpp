#include "kernels/conv_passes.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv_passes.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/feature-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fermion::kernels::HWY_NAMESPACE {

// Vectors of channels that lie side by side in `image` too.
template <class Body>
HWY_INLINE void ForEachVector(std::int64_t C, BlockedImage image, const Body& body) {
  if (static_cast<std::int64_t>(hn::Lanes(hn::ScalableTag<float>())) <= image.block)
    for_each_channel_vector(C, body);
  else
    for (std::int64_t c = 0; c < C; ++c) body(hn::CappedTag<float, 1>(), c);
}

void WriteValue(const PixelRange& range, const Norm& norm, const float* y, BlockedImage to,
                std::int64_t first) {
  ForEachVector(range.C, to, [&](auto d, std::int64_t c) HWY_ATTR {
    const FeatureVector x(d, norm, range.k * range.C + c);
    float* out = to.channel(first + c);
    for (std::int64_t p = range.begin; p < range.end; ++p)
      hn::StoreU(x.value(hn::LoadU(d, y + p * range.C + c)), d, out + p * to.block);
  });
}

void WriteDy(const PixelRange& range, const Norm& norm, const float* sum_da, const float* sum_da_x_hat,
             std::int64_t M, const float* y, const float* da, BlockedImage to) {
  ForEachVector(range.C, to, [&](auto d, std::int64_t c) HWY_ATTR {
    float* out = to.channel(c);
    if (!norm) {
      for (std::int64_t p = range.begin; p < range.end; ++p)
        hn::StoreU(hn::LoadU(d, da + p * range.C + c), d, out + p * to.block);
      return;
    }
    const std::int64_t at = range.k * range.C + c;
    const FeatureVector x(d, norm, at);
    const auto share = hn::Set(d, 1.0f / static_cast<float>(M));
    const auto scale = hn::Mul(hn::LoadU(d, norm.gain + at), hn::LoadU(d, norm.inv_std + at));
    const auto mean_da = hn::Mul(hn::LoadU(d, sum_da + at), share);
    const auto mean_da_x_hat = hn::Mul(hn::LoadU(d, sum_da_x_hat + at), share);
    for (std::int64_t p = range.begin; p < range.end; ++p) {
      const auto x_hat = x.x_hat(hn::LoadU(d, y + p * range.C + c));
      const auto centred = hn::Sub(hn::LoadU(d, da + p * range.C + c), mean_da);
      hn::StoreU(hn::Mul(scale, hn::NegMulAdd(x_hat, mean_da_x_hat, centred)), d, out + p * to.block);
    }
  });
}

void WriteDa(const PixelRange& range, const Norm& norm, const float* y, BlockedImage from, std::int64_t first,
             float* da, Write write, float* sum_da, float* sum_da_x_hat) {
  ForEachVector(range.C, from, [&](auto d, std::int64_t c) HWY_ATTR {
    const FeatureVector x(d, norm, range.k * range.C + c);
    const float* in = from.channel(first + c);
    auto sum = hn::Zero(d), sum_x_hat = hn::Zero(d);
    for (std::int64_t p = range.begin; p < range.end; ++p) {
      const auto x_hat = x.x_hat(hn::LoadU(d, y + p * range.C + c));
      const auto masked = x.mask(x_hat, hn::LoadU(d, in + p * from.block));
      store_gradient(d, masked, write, da + p * range.C + c);
      sum = hn::Add(sum, masked);
      sum_x_hat = hn::MulAdd(masked, x_hat, sum_x_hat);
    }
    hn::StoreU(hn::Add(sum, hn::LoadU(d, sum_da + c)), d, sum_da + c);
    hn::StoreU(hn::Add(sum_x_hat, hn::LoadU(d, sum_da_x_hat + c)), d, sum_da_x_hat + c);
  });
}

// sum of term(pixel) in four chains: one alone would wait for each addition.
template <class D, class Term>
HWY_INLINE hn::Vec<D> SumOver(D d, const PixelRange& range, const Term& term) {
  auto sum0 = hn::Zero(d), sum1 = hn::Zero(d), sum2 = hn::Zero(d), sum3 = hn::Zero(d);
  std::int64_t p = range.begin;
  for (; p + 4 <= range.end; p += 4) {
    sum0 = hn::Add(sum0, term(p));
    sum1 = hn::Add(sum1, term(p + 1));
    sum2 = hn::Add(sum2, term(p + 2));
    sum3 = hn::Add(sum3, term(p + 3));
  }
  for (; p < range.end; ++p) sum0 = hn::Add(sum0, term(p));
  return hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3));
}

void WriteStatistics(const PixelRange& range, const float* y, float* mean, float* m2) {
  for_each_channel_vector(range.C, [&](auto d, std::int64_t c) HWY_ATTR {
    const auto load = [&](std::int64_t p) HWY_ATTR { return hn::LoadU(d, y + p * range.C + c); };
    const auto share = hn::Set(d, 1.0f / static_cast<float>(range.end - range.begin));
    const auto centre = hn::Mul(SumOver(d, range, load), share);
    hn::StoreU(centre, d, mean + c);
    hn::StoreU(SumOver(d, range,
                       [&](std::int64_t p) HWY_ATTR {
                         const auto deviation = hn::Sub(load(p), centre);
                         return hn::Mul(deviation, deviation);
                       }),
               d, m2 + c);
  });
}

void Relu(float* values, std::int64_t count) {
  for_each_channel_vector(count, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto value = hn::LoadU(d, values + i);
    hn::StoreU(hn::IfThenZeroElse(hn::Lt(value, hn::Zero(d)), value), d, values + i);
  });
}

void Add(float* to, const float* from, std::int64_t count) {
  for_each_channel_vector(count, [&](auto d, std::int64_t i) HWY_ATTR {
    hn::StoreU(hn::Add(hn::LoadU(d, to + i), hn::LoadU(d, from + i)), d, to + i);
  });
}

}  // namespace fermion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fermion::kernels {
namespace {

HWY_EXPORT(WriteValue);
HWY_EXPORT(WriteDy);
HWY_EXPORT(WriteDa);
HWY_EXPORT(WriteStatistics);
HWY_EXPORT(Relu);
HWY_EXPORT(Add);

}  // namespace

void write_value(const PixelRange& range, const Norm& norm, const float* y, BlockedImage to,
                 std::int64_t first) {
  HWY_DYNAMIC_DISPATCH(WriteValue)(range, norm, y, to, first);
}

void write_dy(const PixelRange& range, const Norm& norm, const float* sum_da, const float* sum_da_x_hat,
              std::int64_t M, const float* y, const float* da, BlockedImage to) {
  HWY_DYNAMIC_DISPATCH(WriteDy)(range, norm, sum_da, sum_da_x_hat, M, y, da, to);
}

void write_da(const PixelRange& range, const Norm& norm, const float* y, BlockedImage d, std::int64_t first,
              float* da, Write write, float* sum_da, float* sum_da_x_hat) {
  HWY_DYNAMIC_DISPATCH(WriteDa)(range, norm, y, d, first, da, write, sum_da, sum_da_x_hat);
}

void write_statistics(const PixelRange& range, const float* y, float* mean, float* m2) {
  HWY_DYNAMIC_DISPATCH(WriteStatistics)(range, y, mean, m2);
}

void relu(float* values, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(Relu)(values, count);
}

void add(float* to, const float* from, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(Add)(to, from, count);
}

}  // namespace fermion::kernels
#endif
