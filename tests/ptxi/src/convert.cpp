// cvt between any two types, one lane.

#include "alu.h"

namespace ptxi {

u64 convert(Warp& w, const Instruction& in, u64 v) {
  const Type D = in.t, S = in.t2;
  const int db = type_bits(D), sb = type_bits(S);
  const bool sf = is_float(S), df = is_float(D) || D == T_TF32;
  if (D == T_TF32 && S == T_F32 && !in.relu) {
    u32 u = (u32)v;
    if ((u & 0x7fffffff) > 0x7f800000) return 0x7fffffff;
    if ((u & 0x7fffffff) == 0x7f800000) return u;
    if (in.rnd == RNA)
      u += 0x1000;
    else if (in.rnd == RN)
      u += 0xfff + (u >> 13 & 1);
    return u & ~0x1fffu;
  }
  if (!sf && !df) {  // integer to integer
    i64 x = is_signed(S) ? sign_extend(v, sb) : (i64)zero_extend(v, sb);
    if (in.sat) {
      if (is_signed(D)) {
        i64 lo = db == 64 ? INT64_MIN : -(1ll << (db - 1)), hi = db == 64 ? INT64_MAX : (1ll << (db - 1)) - 1;
        if (!is_signed(S))
          x = (u64)x > (u64)hi ? hi : x;
        else
          x = std::min(std::max(x, lo), hi);
      } else {
        if (is_signed(S) && x < 0)
          x = 0;
        else if (db < 64 && (u64)x > (1ull << db) - 1)
          x = (1ll << db) - 1;
      }
    }
    return is_signed(D) ? (u64)sign_extend((u64)x, db) : zero_extend((u64)x, db);
  }
  if (!sf) {  // integer to float
    Rounding r(in.rnd);
    volatile i64 x = is_signed(S) ? sign_extend(v, sb) : (i64)zero_extend(v, sb);
    const bool s = is_signed(S);
    if (D == T_F32) return f2u(s ? (float)x : (float)(u64)x);
    if (D == T_F64) return d2u(s ? (double)x : (double)(u64)x);
    // to 16 bits: 64-bit integers beyond 2^53 overflow or round alike
    double y = s ? (double)x : (double)(u64)x;
    fesetround(FE_TONEAREST);
    return D == T_F16 ? double_to_half(y, in.rnd) : double_to_bf16(y, in.rnd);
  }
  double x = to_double(S, v, in.ftz);
  if (!df) {  // float to integer
    // NaN gives 0 for 32-bit and smaller results, and 0x8000... for 64-bit ones.
    if (std::isnan(x)) return db == 64 ? 1ull << 63 : 0;
    double y = in.rnd == RNI || in.rnd == RN   ? std::nearbyint(x)
               : in.rnd == RMI || in.rnd == RM ? std::floor(x)
               : in.rnd == RPI || in.rnd == RP ? std::ceil(x)
                                               : std::trunc(x);
    if (is_signed(D)) {
      double lo = -std::ldexp(1.0, db - 1), hi = std::ldexp(1.0, db - 1);
      if (y <= lo) return (u64)sign_extend(1ull << (db - 1), db);
      if (y >= hi) return (1ull << (db - 1)) - 1;
      return (u64)(i64)y;
    }
    if (y <= 0) return 0;
    if (y >= std::ldexp(1.0, db)) return db == 64 ? ~0ull : (1ull << db) - 1;
    return (u64)y;
  }
  switch (in.rnd) {
    case RNI:
      x = std::nearbyint(x);
      break;
    case RZI:
      x = std::trunc(x);
      break;
    case RMI:
      x = std::floor(x);
      break;
    case RPI:
      x = std::ceil(x);
      break;
    default:
      break;
  }
  if (in.sat) x = saturate(x);
  if (in.relu) x = std::isnan(x) ? x : x > 0 ? x : 0;
  switch (D) {
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

u64 convert_pair(Warp& w, const Instruction& in, u64 a, u64 b) {
  if (in.ns != 2 || in.t2 != T_F32) w.block->err(in, E_ILLEGAL_INSTRUCTION, "unsupported conversion", &w, 0);
  const auto one = [&](u64 v) -> u32 {
    double x = u2f((u32)v);
    if (in.relu) x = std::isnan(x) ? x : x > 0 ? x : 0;
    return in.t == T_F16X2 ? double_to_half(x, in.rnd) : double_to_bf16(x, in.rnd);
  };
  return one(a) << 16 | one(b);
}

}  // namespace ptxi
