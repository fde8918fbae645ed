// Vectorised arithmetic of f32 and f64, to nearest.

#include "lanes.h"
#include "vector_alu.h"

namespace ptxi {

namespace {

// min and max of floats on their image as ordered integers: -0 < +0, and NaN loses.
i32 ordered(u32 u) {
  return (i32)(u ^ ((u32)((i32)u >> 31) >> 1));
}
bool is_nan_bits(u32 u) {
  return (u & 0x7fffffff) > 0x7f800000;
}
template <bool Min>
u32 float_extreme(u32 x, u32 y) {
  u32 r = (Min ? ordered(x) < ordered(y) : ordered(x) > ordered(y)) ? x : y;
  r = is_nan_bits(y) ? x : r;
  r = is_nan_bits(x) ? y : r;
  return is_nan_bits(r) ? 0x7fffffffu : r;
}
// Z: subnormal operands and results are flushed.
template <bool Z>
float flushed(float f) {
  return Z ? flush(f) : f;
}
template <bool Z>
Handler f32_operation(const Instruction& in) {
  switch (in.op) {
    case O_add:
      return lanes(in, [](float a, float b) { return flushed<Z>(flushed<Z>(a) + flushed<Z>(b)); });
    case O_sub:
      return lanes(in, [](float a, float b) { return flushed<Z>(flushed<Z>(a) - flushed<Z>(b)); });
    case O_mul:
      return lanes(in, [](float a, float b) { return flushed<Z>(flushed<Z>(a) * flushed<Z>(b)); });
    case O_div:
      return lanes(in, [](float a, float b) { return flushed<Z>(flushed<Z>(a) / flushed<Z>(b)); });
    case O_sqrt:
      return lanes(in, [](float a) { return flushed<Z>(__builtin_sqrtf(flushed<Z>(a))); });
    case O_min:
      return Z ? nullptr : lanes(in, [](u32 a, u32 b) { return float_extreme<true>(a, b); });
    case O_max:
      return Z ? nullptr : lanes(in, [](u32 a, u32 b) { return float_extreme<false>(a, b); });
    default:
      return lanes(in, [](float a, float b, float c) {
        return flushed<Z>(__builtin_fmaf(flushed<Z>(a), flushed<Z>(b), flushed<Z>(c)));
      });
  }
}

Handler f64_operation(const Instruction& in) {
  switch (in.op) {
    case O_add:
      return lanes(in, [](double a, double b) { return a + b; });
    case O_sub:
      return lanes(in, [](double a, double b) { return a - b; });
    case O_mul:
      return lanes(in, [](double a, double b) { return a * b; });
    default:
      return nullptr;
  }
}

}  // namespace

Handler vector_float(const Instruction& in) {
  if (in.rnd > RN || in.sat || in.nan || in.relu) return nullptr;
  if (in.t == T_F64) return f64_operation(in);
  if (in.t != T_F32) return nullptr;
  return in.ftz ? f32_operation<true>(in) : f32_operation<false>(in);
}

}  // namespace ptxi
