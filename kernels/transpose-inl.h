// A transposed copy of a block that stays in cache. Include it behind foreach_target.h and hwy/highway.h.
#if defined(FERMION_KERNELS_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FERMION_KERNELS_TRANSPOSE_INL_H_
#undef FERMION_KERNELS_TRANSPOSE_INL_H_
#else
#define FERMION_KERNELS_TRANSPOSE_INL_H_
#endif

#include <hwy/highway.h>

#include "kernels/gemm_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fermion::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// to [columns, rows] = scale times the transpose of from [rows, columns].
inline HWY_NOINLINE void transpose(std::int64_t rows, std::int64_t columns, RowMatrix<const float> from,
                                   RowMatrix<float> to, float scale) {
  std::int64_t r = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::CappedTag<float, 4> d;
  const auto s = hn::Set(d, scale);
  for (; r + 4 <= rows; r += 4) {
    const float* in = from.data + r * from.row;
    float* out = to.data + r;
    std::int64_t c = 0;
    for (; c + 4 <= columns; c += 4, in += 4, out += 4 * to.row) {
      const auto r0 = hn::Mul(s, hn::LoadU(d, in)), r1 = hn::Mul(s, hn::LoadU(d, in + from.row));
      const auto r2 = hn::Mul(s, hn::LoadU(d, in + 2 * from.row));
      const auto r3 = hn::Mul(s, hn::LoadU(d, in + 3 * from.row));
      const auto lower02 = hn::InterleaveLower(d, r0, r2), upper02 = hn::InterleaveUpper(d, r0, r2);
      const auto lower13 = hn::InterleaveLower(d, r1, r3), upper13 = hn::InterleaveUpper(d, r1, r3);
      hn::StoreU(hn::InterleaveLower(d, lower02, lower13), d, out);
      hn::StoreU(hn::InterleaveUpper(d, lower02, lower13), d, out + to.row);
      hn::StoreU(hn::InterleaveLower(d, upper02, upper13), d, out + 2 * to.row);
      hn::StoreU(hn::InterleaveUpper(d, upper02, upper13), d, out + 3 * to.row);
    }
    for (; c < columns; ++c, ++in, out += to.row)
      for (std::int64_t i = 0; i < 4; ++i) out[i] = scale * in[i * from.row];
  }
#endif
  for (; r < rows; ++r)
    for (std::int64_t c = 0; c < columns; ++c) to.data[c * to.row + r] = scale * from.data[r * from.row + c];
}

}  // namespace fermion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
