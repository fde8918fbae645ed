// Arithmetic of one lane: f32 and f64.

#include "alu.h"

namespace ptxi {

namespace {

// What is volatile is computed in the rounding mode that is set.
template <class T>
T rounded(const Instruction& in, T x, T y, T z) {
  Rounding rounding(in.rnd);
  volatile T a = x, b = y, c = z, q;
  switch (in.op) {
    case O_add:
      q = a + b;
      break;
    case O_sub:
      q = a - b;
      break;
    case O_mul:
      q = a * b;
      break;
    case O_div:
      q = a / b;
      break;
    default:
      q = std::fma((T)a, (T)b, (T)c);
  }
  return q;
}

template <class T>
T extreme(const Instruction& in, T a, T b) {
  return in.op == O_min ? fmin_ptx(a, b, in.nan) : fmax_ptx(a, b, in.nan);
}

float operand(const Instruction& in, u64 v) {
  return in.ftz ? flush(u2f((u32)v)) : u2f((u32)v);
}

}  // namespace

u64 eval_f32(const Instruction& in, u64 a, u64 b, u64 c) {
  const float x = operand(in, a), y = operand(in, b), z = operand(in, c);
  switch (in.op) {
    case O_abs:
      return f2u(x) & 0x7fffffff;
    case O_neg:
      return f2u(x) ^ 0x80000000u;
    case O_min:
    case O_max: {
      const float q = extreme(in, x, y);
      return canonical(in.ns > 2 ? extreme(in, q, z) : q);
    }
    default: {
      float q = rounded(in, x, y, z);
      if (in.ftz) q = flush(q);
      if (in.sat) q = (float)saturate(q);
      return canonical(q);
    }
  }
}

u64 eval_f64(const Instruction& in, u64 a, u64 b, u64 c) {
  switch (in.op) {
    case O_abs:
      return a & ~(1ull << 63);
    case O_neg:
      return a ^ 1ull << 63;
    case O_min:
    case O_max:
      return d2u(extreme(in, u2d(a), u2d(b)));
    default:
      return d2u(rounded(in, u2d(a), u2d(b), u2d(c)));
  }
}

}  // namespace ptxi
