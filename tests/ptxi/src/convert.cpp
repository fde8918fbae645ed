// cvt between any two types, one lane.

#include "alu.h"

namespace ptxi {

namespace {

u32 round_to_tf32(const Instruction& in, u32 u) {
  if ((u & 0x7fffffff) > 0x7f800000) return 0x7fffffff;
  if ((u & 0x7fffffff) == 0x7f800000) return u;
  if (in.rnd == RNA)
    u += 0x1000;
  else if (in.rnd == RN)
    u += 0xfff + (u >> 13 & 1);
  return u & ~0x1fffu;
}

i64 integer(Type t, u64 v) {
  return is_signed(t) ? sign_extend(v, type_bits(t)) : (i64)zero_extend(v, type_bits(t));
}

// The nearest value of type `to` to x, which is one of type `from`.
i64 clamp(i64 x, Type from, Type to) {
  const int bits = type_bits(to);
  if (is_signed(to)) {
    i64 lo = bits == 64 ? INT64_MIN : -(1ll << (bits - 1)),
        hi = bits == 64 ? INT64_MAX : (1ll << (bits - 1)) - 1;
    if (!is_signed(from)) return (u64)x > (u64)hi ? hi : x;
    return std::min(std::max(x, lo), hi);
  }
  if (is_signed(from) && x < 0) return 0;
  return bits < 64 && (u64)x > (1ull << bits) - 1 ? (1ll << bits) - 1 : x;
}

u64 integer_to_integer(const Instruction& in, u64 v) {
  i64 x = integer(in.t2, v);
  if (in.sat) x = clamp(x, in.t2, in.t);
  return (u64)integer(in.t, (u64)x);
}

u64 integer_to_float(const Instruction& in, u64 v) {
  const bool s = is_signed(in.t2);
  if (is_half(in.t)) {
    const i64 n = integer(in.t2, v);
    const double y = s && n < 0 ? -whole_to_odd(0 - (u64)n) : whole_to_odd((u64)n);
    return in.t == T_F16 ? double_to_half(y, in.rnd) : double_to_bf16(y, in.rnd);
  }
  Rounding r(in.rnd);
  volatile i64 x = integer(in.t2, v);
  if (in.t == T_F32) return f2u(s ? (float)x : (float)(u64)x);
  return d2u(s ? (double)x : (double)(u64)x);
}

u64 float_to_integer(const Instruction& in, u64 v) {
  const int bits = type_bits(in.t);
  double x = to_double(in.t2, v, in.ftz);
  // The PTX ISA: zero if neither the source has 64 bits nor the result, else the highest bit alone.
  if (std::isnan(x)) return bits == 64 || in.t2 == T_F64 ? (u64)integer(in.t, 1ull << (bits - 1)) : 0;
  double y = in.rnd == RNI || in.rnd == RN   ? std::nearbyint(x)
             : in.rnd == RMI || in.rnd == RM ? std::floor(x)
             : in.rnd == RPI || in.rnd == RP ? std::ceil(x)
                                             : std::trunc(x);
  if (is_signed(in.t)) {
    double lo = -std::ldexp(1.0, bits - 1), hi = std::ldexp(1.0, bits - 1);
    if (y <= lo) return (u64)sign_extend(1ull << (bits - 1), bits);
    if (y >= hi) return (1ull << (bits - 1)) - 1;
    return (u64)(i64)y;
  }
  if (y <= 0) return 0;
  if (y >= std::ldexp(1.0, bits)) return bits == 64 ? ~0ull : (1ull << bits) - 1;
  return (u64)y;
}

double to_whole(u8 rnd, double x) {
  switch (rnd) {
    case RNI:
      return std::nearbyint(x);
    case RZI:
      return std::trunc(x);
    case RMI:
      return std::floor(x);
    case RPI:
      return std::ceil(x);
    default:
      return x;
  }
}

u64 float_to_float(Warp& w, const Instruction& in, u64 v) {
  double x = to_whole(in.rnd, to_double(in.t2, v, in.ftz));
  if (in.sat) x = saturate(x);
  if (in.relu) x = relu(x);
  switch (in.t) {
    case T_F64:
      return d2u(x);
    case T_F32: {
      Rounding r(in.rnd);
      volatile double q = x;
      volatile float f = (float)q;
      return canonical(in.ftz ? flush(f) : f);
    }
    case T_F16:
      return double_to_half(x, in.rnd <= RP ? (int)in.rnd : (int)RN);
    case T_BF16:
      return double_to_bf16(x, in.rnd <= RP ? (int)in.rnd : (int)RN);
    default:
      w.block->err(in, E_ILLEGAL_INSTRUCTION, "unsupported conversion", &w, 0);
  }
}

}  // namespace

u64 convert(Warp& w, const Instruction& in, u64 v) {
  if (in.t == T_TF32 && in.t2 == T_F32 && !in.relu) return round_to_tf32(in, (u32)v);
  const bool to_float = is_float(in.t) || in.t == T_TF32;
  if (!is_float(in.t2)) return to_float ? integer_to_float(in, v) : integer_to_integer(in, v);
  return to_float ? float_to_float(w, in, v) : float_to_integer(in, v);
}

u64 convert_pair(Warp& w, const Instruction& in, u64 a, u64 b) {
  if (in.ns != 2 || in.t2 != T_F32) w.block->err(in, E_ILLEGAL_INSTRUCTION, "unsupported conversion", &w, 0);
  const auto one = [&](u64 v) -> u32 {
    double x = u2f((u32)v);
    if (in.relu) x = relu(x);
    return in.t == T_F16X2 ? double_to_half(x, in.rnd) : double_to_bf16(x, in.rnd);
  };
  return one(a) << 16 | one(b);
}

}  // namespace ptxi
