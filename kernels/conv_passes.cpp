#include "kernels/conv_passes.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv_passes.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/feature-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fermion::kernels::HWY_NAMESPACE {

// Calls body(d, c, begin, end) for vectors of channels that lie side by side in `image` too, and tiles of
// pixels small enough for memory to be read in about the order in which it lies.
template <class Body>
HWY_INLINE void ForEachTile(const PixelRange& range, std::int64_t block, const Body& body) {
  const std::int64_t tile = std::max<std::int64_t>(4, 1024 / range.C), C = range.C;
  const bool vectors = static_cast<std::int64_t>(hn::Lanes(hn::ScalableTag<float>())) <= block;
  for (std::int64_t begin = range.begin; begin < range.end; begin += tile) {
    const std::int64_t end = std::min(begin + tile, range.end);
    const auto call = [&](auto d, std::int64_t c) HWY_ATTR { body(d, c, begin, end); };
    if (vectors)
      for_each_vector(C, call);
    else
      for (std::int64_t c = 0; c < C; ++c) call(hn::CappedTag<float, 1>(), c);
  }
}

// An RGB image to planes.
void Deinterleave(const PixelRange& range, const float* y, BlockedImage to) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  float *red = to.channel(0), *green = to.channel(1), *blue = to.channel(2);
  std::int64_t p = range.begin;
  for (; p + lanes <= range.end; p += lanes) {
    hn::Vec<decltype(d)> r, g, b;
    hn::LoadInterleaved3(d, y + p * 3, r, g, b);
    hn::StoreU(r, d, red + p);
    hn::StoreU(g, d, green + p);
    hn::StoreU(b, d, blue + p);
  }
  for (; p < range.end; ++p) red[p] = y[p * 3], green[p] = y[p * 3 + 1], blue[p] = y[p * 3 + 2];
}

void WriteValue(const PixelRange& range, const Norm& norm, const float* y, BlockedImage to,
                std::int64_t first) {
  if (range.C == 3 && to.block == 1 && !norm) return Deinterleave(range, y, to);
  ForEachTile(range, to.block, [&](auto d, std::int64_t c, std::int64_t begin, std::int64_t end) HWY_ATTR {
    const FeatureVector x(d, norm, range.k * range.C + c);
    float* out = to.channel(first + c);
    for (std::int64_t p = begin; p < end; ++p)
      hn::StoreU(x.value(hn::LoadU(d, y + p * range.C + c)), d, out + p * to.block);
  });
}

void WriteDy(const PixelRange& range, const Norm& norm, const float* sum_da, const float* sum_da_x_hat,
             std::int64_t M, const float* y, const float* da, BlockedImage to) {
  ForEachTile(range, to.block, [&](auto d, std::int64_t c, std::int64_t begin, std::int64_t end) HWY_ATTR {
    float* out = to.channel(c);
    if (!norm) {
      for (std::int64_t p = begin; p < end; ++p)
        hn::StoreU(hn::LoadU(d, da + p * range.C + c), d, out + p * to.block);
      return;
    }
    const std::int64_t at = range.k * range.C + c;
    const FeatureVector x(d, norm, at);
    const auto share = hn::Set(d, 1.0f / static_cast<float>(M));
    const auto scale = hn::Mul(hn::LoadU(d, norm.gain + at), hn::LoadU(d, norm.inv_std + at));
    const auto mean_da = hn::Mul(hn::LoadU(d, sum_da + at), share);
    const auto mean_da_x_hat = hn::Mul(hn::LoadU(d, sum_da_x_hat + at), share);
    for (std::int64_t p = begin; p < end; ++p) {
      const auto x_hat = x.x_hat(hn::LoadU(d, y + p * range.C + c));
      const auto centred = hn::Sub(hn::LoadU(d, da + p * range.C + c), mean_da);
      hn::StoreU(hn::Mul(scale, hn::NegMulAdd(x_hat, mean_da_x_hat, centred)), d, out + p * to.block);
    }
  });
}

void WriteDa(const PixelRange& range, const Norm& norm, const float* y, BlockedImage from, std::int64_t first,
             float* da, Write write, float* sum_da, float* sum_da_x_hat) {
  ForEachTile(range, from.block, [&](auto d, std::int64_t c, std::int64_t begin, std::int64_t end) HWY_ATTR {
    const FeatureVector x(d, norm, range.k * range.C + c);
    const float* in = from.channel(first + c);
    GradientSums sums(d, sum_da + c, sum_da_x_hat + c);
    for (std::int64_t p = begin; p < end; ++p)
      sums.add(x, hn::LoadU(d, y + p * range.C + c), hn::LoadU(d, in + p * from.block), write,
               da + p * range.C + c);
    sums.store(sum_da + c, sum_da_x_hat + c);
  });
}

// Each tile in two passes, then merged into what the tiles before it gave (Chan, Golub, LeVeque 1979).
void WriteStatistics(const PixelRange& range, const float* y, float* mean, float* m2) {
  ForEachTile(range, range.C, [&](auto d, std::int64_t c, std::int64_t begin, std::int64_t end) HWY_ATTR {
    auto sum = hn::Zero(d), squares = hn::Zero(d);
    for (std::int64_t p = begin; p < end; ++p) sum = hn::Add(sum, hn::LoadU(d, y + p * range.C + c));
    const auto count = static_cast<float>(end - begin), before = static_cast<float>(begin - range.begin);
    const auto centre = hn::Mul(sum, hn::Set(d, 1 / count));
    for (std::int64_t p = begin; p < end; ++p) {
      const auto deviation = hn::Sub(hn::LoadU(d, y + p * range.C + c), centre);
      squares = hn::MulAdd(deviation, deviation, squares);
    }
    if (before == 0) {
      hn::StoreU(centre, d, mean + c);
      hn::StoreU(squares, d, m2 + c);
      return;
    }
    const auto share = hn::Set(d, count / (before + count));
    const auto so_far = hn::LoadU(d, mean + c), distance = hn::Sub(centre, so_far);
    const auto weight = hn::Mul(share, hn::Set(d, before));
    hn::StoreU(hn::MulAdd(distance, share, so_far), d, mean + c);
    hn::StoreU(hn::MulAdd(hn::Mul(distance, distance), weight, hn::Add(hn::LoadU(d, m2 + c), squares)), d,
               m2 + c);
  });
}

void Relu(float* values, std::int64_t count) {
  for_each_vector(count, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto value = hn::LoadU(d, values + i);
    hn::StoreU(hn::IfThenZeroElse(hn::Lt(value, hn::Zero(d)), value), d, values + i);
  });
}

void Add(float* to, const float* from, std::int64_t count) {
  for_each_vector(count, [&](auto d, std::int64_t i) HWY_ATTR {
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
