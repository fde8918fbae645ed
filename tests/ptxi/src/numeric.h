// Bit-level conversions between the number formats of PTX.
#pragma once
#include <cmath>
#include <cstring>

#include "instruction.h"

namespace ptxi {

inline u32 f2u(float f) {
  u32 u;
  memcpy(&u, &f, 4);
  return u;
}
inline float u2f(u32 u) {
  float f;
  memcpy(&f, &u, 4);
  return f;
}
inline u64 d2u(double d) {
  u64 u;
  memcpy(&u, &d, 8);
  return u;
}
inline double u2d(u64 u) {
  double d;
  memcpy(&d, &u, 8);
  return d;
}

inline i64 sign_extend(u64 v, int b) {
  return b >= 64 ? (i64)v : (i64)(v << (64 - b)) >> (64 - b);
}
inline u64 zero_extend(u64 v, int b) {
  return b >= 64 ? v : v & ((1ull << b) - 1);
}

inline float bf16_to_float(u32 h) {
  return u2f(h << 16);
}

// Exact: the multiplication renormalises subnormal halves. Infinity and NaN are patched.
inline float half_to_float(u32 h) {
  u32 m = (h & 0x7fff) << 13;
  float f = u2f(m) * 0x1p112f;
  u32 r = f2u(f) | ((h & 0x7c00) == 0x7c00 ? 0x7f800000u : 0);
  return u2f(r | (h & 0x8000) << 16);
}

// Flush a subnormal to zero of the same sign.
inline float flush(float f) {
  u32 u = f2u(f);
  return (u & 0x7f800000) == 0 ? u2f(u & 0x80000000) : f;
}

// The bits of a float result; PTX generates the canonical NaN.
inline u32 canonical(float f) {
  u32 u = f2u(f);
  return (u & 0x7fffffff) > 0x7f800000 ? 0x7fffffffu : u;
}

inline u32 float_to_bf16_rn(float f) {
  u32 u = f2u(f);
  u32 r = (u + 0x7fff + (u >> 16 & 1)) >> 16;
  return (u & 0x7fffffff) > 0x7f800000 ? 0x7fffu : r;
}

// Rounding to odd: of what has no double, the neighbour whose last bit is set. To round that again, to fewer
// bits, is to round but once.
inline double whole_to_odd(u64 n) {
  const int drop = n >> 53 ? 11 - __builtin_clzll(n) : 0;
  const u64 kept = n >> drop, lost = n - (kept << drop);
  return std::ldexp((double)(kept | (lost != 0)), drop);
}
// a * b + c of 16-bit formats, whose products are doubles.
inline double fma_to_odd(double a, double b, double c) {
  const double product = a * b, sum = product + c;
  if (!std::isfinite(sum)) return sum;
  const double added = sum - product, error = (product - (sum - added)) + (c - added);
  const u64 bits = d2u(sum);
  if (error == 0 || bits & 1) return sum;
  return u2d(std::signbit(error) == std::signbit(sum) ? bits + 1 : bits - 1);
}

// Round a double to a 16-bit format with `mant` stored mantissa bits and exponent bias `bias`.
// `rnd` is RN, RZ, RM or RP; the caller's rounding mode must be to nearest.
inline u32 round_to_16(double v, int rnd, int mant, int bias) {
  const u32 inf = (u32)(2 * bias + 1) << mant;
  if (std::isnan(v)) return 0x7fff;
  u32 s = std::signbit(v) ? 0x8000 : 0;
  double a = std::fabs(v);
  if (std::isinf(a)) return s | inf;
  if (a == 0) return s;
  int e;
  std::frexp(a, &e);
  e -= 1;
  const int emin = 1 - bias;
  if (e < emin) e = emin;
  double q = std::ldexp(a, mant - e), r = std::nearbyint(q);
  if (rnd == RZ) r = std::floor(q);
  if (rnd == RM) r = s ? std::ceil(q) : std::floor(q);
  if (rnd == RP) r = s ? std::floor(q) : std::ceil(q);
  double x = std::ldexp(r, e - mant);
  if (x >= std::ldexp(1.0, bias + 1)) {  // overflow: to infinity, or to the largest finite value
    bool to_inf = rnd == RN || (rnd == RM && s) || (rnd == RP && !s);
    return s | (to_inf ? inf : inf - 1);
  }
  if (x < std::ldexp(1.0, emin)) return s | (u32)std::ldexp(x, mant - emin);
  std::frexp(x, &e);
  e -= 1;
  u32 m = (u32)std::ldexp(x, mant - e);
  return s | (u32)(e + bias) << mant | (m - (1u << mant));
}
inline u32 double_to_half(double v, int rnd = RN) {
  return round_to_16(v, rnd ? rnd : RN, 10, 15);
}
inline u32 double_to_bf16(double v, int rnd = RN) {
  return round_to_16(v, rnd ? rnd : RN, 7, 127);
}

inline u32 float_to_half_rn(float f) {
  u32 u = f2u(f), s = u >> 16 & 0x8000;
  u &= 0x7fffffff;
  if (u > 0x7f800000) return 0x7fff;
  if (u >= 0x477ff000) return s | 0x7c00;  // rounds to 65536 or more
  if (u < 0x38800000) {                    // subnormal half: add a magic number to align
    float m = u2f(u) + 0.5f;               // ulp of 0.5 is 2^-24, the half subnormal unit
    return s | (f2u(m) - 0x3f000000);
  }
  return s | ((u + 0xfff + (u >> 13 & 1)) - 0x38000000) >> 13;
}

inline float tf32_operand(u32 u) {
  return u2f(u & ~0x1fffu);
}  // the unit ignores the low bits

}  // namespace ptxi
