#include "kernels/augment.h"

#include <algorithm>
#include <cstring>
#include <omp.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/augment.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fermion::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F = hn::ScalableTag<float>;
using I = hn::RebindToSigned<F>;

// NaN travels.
HWY_INLINE hn::Vec<F> Clamp(hn::Vec<F> v, float largest) {
  const F d;
  const auto top = hn::Set(d, largest);
  return hn::IfThenZeroElse(hn::Lt(v, hn::Zero(d)), hn::IfThenElse(hn::Gt(v, top), top, v));
}

// The two pixels around a coordinate, and how far it lies from the first to the second.
struct Neighbours {
  hn::Vec<I> first, second;
  hn::Vec<F> fraction;

  HWY_INLINE Neighbours(hn::Vec<F> at, std::int64_t size) {
    const F d;
    const I di;
    const auto last = hn::Set(di, static_cast<std::int32_t>(size - 1));
    const auto clamped = Clamp(at, static_cast<float>(size - 1));
    // A NaN converts to any integer.
    first = hn::Min(hn::Max(hn::ConvertTo(di, clamped), hn::Zero(di)), last);
    second = hn::Min(hn::Add(first, hn::Set(di, 1)), last);
    fraction = hn::Sub(clamped, hn::ConvertTo(d, first));
  }
};

// Four bytes of each pixel: red, green, blue and one that nobody looks at.
HWY_INLINE hn::Vec<I> Pixels(const std::uint8_t* image, hn::Vec<I> row, hn::Vec<I> x) {
  const auto offset = hn::Add(row, hn::Add(x, hn::Add(x, x)));
  return hn::GatherOffset(I(), reinterpret_cast<const std::int32_t*>(image), offset);
}

template <int channel>
HWY_INLINE hn::Vec<F> Channel(hn::Vec<I> pixels) {
  const I di;
  return hn::ConvertTo(F(), hn::And(hn::ShiftRight<8 * channel>(pixels), hn::Set(di, 255)));
}

HWY_INLINE hn::Vec<F> Between(hn::Vec<F> a, hn::Vec<F> b, hn::Vec<F> fraction) {
  return hn::MulAdd(fraction, hn::Sub(b, a), a);
}

// `image` has a spare byte behind its last pixel.
void AugmentImage(std::int64_t H, std::int64_t W, const std::uint8_t* image, const AugmentParameters& p,
                  const float* mean, const float* inv_std, float* out) {
  const F d;
  const std::int64_t lanes = hn::Lanes(d);
  const float cx = static_cast<float>(W - 1) / 2, cy = static_cast<float>(H - 1) / 2;
  const auto pitch = hn::Set(I(), static_cast<std::int32_t>(3 * W));
  HWY_ALIGN float tail[3 * hn::MaxLanes(d)];
  for (std::int64_t h = 0; h < H; ++h) {
    const float y = static_cast<float>(h);
    const auto begin_x = hn::Set(d, p.xy * (y - cy) + (cx + p.dx));
    const auto begin_y = hn::Set(d, p.yy * (y - cy) + (cy + p.dy));
    const bool erased_row = p.top <= y && y < p.bottom;
    for (std::int64_t w = 0; w < W; w += lanes) {
      const auto x = hn::Iota(d, static_cast<float>(w));
      const auto from_centre = hn::Sub(x, hn::Set(d, cx));
      const Neighbours at_x(hn::MulAdd(hn::Set(d, p.xx), from_centre, begin_x), W);
      const Neighbours at_y(hn::MulAdd(hn::Set(d, p.yx), from_centre, begin_y), H);
      const auto row0 = hn::Mul(at_y.first, pitch), row1 = hn::Mul(at_y.second, pitch);
      const auto p00 = Pixels(image, row0, at_x.first), p01 = Pixels(image, row0, at_x.second);
      const auto p10 = Pixels(image, row1, at_x.first), p11 = Pixels(image, row1, at_x.second);
      const auto kept = hn::Not(
          erased_row ? hn::And(hn::Ge(x, hn::Set(d, p.left)), hn::Lt(x, hn::Set(d, p.right))) : hn::Lt(x, x));
      const auto value = [&](auto channel) HWY_ATTR {
        constexpr int c = decltype(channel)::value;
        const auto above = Between(Channel<c>(p00), Channel<c>(p01), at_x.fraction);
        const auto below = Between(Channel<c>(p10), Channel<c>(p11), at_x.fraction);
        const auto v = Clamp(hn::Mul(hn::Set(d, p.brightness), Between(above, below, at_y.fraction)), 255);
        const auto centred = hn::Sub(hn::Div(v, hn::Set(d, 255)), hn::Set(d, mean[c]));
        return hn::IfThenElseZero(kept, hn::Mul(centred, hn::Set(d, inv_std[c])));
      };
      const bool whole = w + lanes <= W;
      float* to = out + (h * W + w) * 3;
      hn::StoreInterleaved3(value(std::integral_constant<int, 0>()), value(std::integral_constant<int, 1>()),
                            value(std::integral_constant<int, 2>()), d, whole ? to : tail);
      if (!whole) std::copy_n(tail, 3 * (W - w), to);
    }
  }
}

}  // namespace fermion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fermion::kernels {
namespace {

HWY_EXPORT(AugmentImage);

}  // namespace

void augment_forward(Cpu ctx, const Augment& dims, const std::uint8_t* images,
                     const AugmentParameters* parameters, const float* mean, const float* inv_std,
                     float* out) {
  const std::int64_t bytes = dims.H * dims.W * 3;
  if (bytes == 0) return;
  // Pixels are read four bytes at a time, one more than they have.
  const std::int64_t slot = bytes + 1;
  std::uint8_t* copies = ctx.workspace.take<std::uint8_t>(ctx.threads * slot);
#pragma omp parallel for num_threads(ctx.threads)
  for (std::int64_t n = 0; n < dims.N; ++n) {
    std::uint8_t* copy = copies + omp_get_thread_num() * slot;
    std::memcpy(copy, images + n * bytes, static_cast<std::size_t>(bytes));
    HWY_DYNAMIC_DISPATCH(AugmentImage)
    (dims.H, dims.W, copy, parameters[n], mean, inv_std, out + n * bytes);
  }
}

}  // namespace fermion::kernels
#endif
