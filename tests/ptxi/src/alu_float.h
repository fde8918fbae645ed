// What the arithmetic of all floating-point types shares: rounding, NaN rules of min and max, comparisons.
#pragma once

#include <algorithm>
#include <cfenv>
#include <limits>

#include "numeric.h"

namespace ptxi {

// Directed rounding for the duration of a scope.
struct Rounding {
  bool on;
  explicit Rounding(int r) : on(r >= RZ && r <= RP) {
    static const int mode[] = {FE_TONEAREST, FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};
    if (on) fesetround(mode[r]);
  }
  ~Rounding() {
    if (on) fesetround(FE_TONEAREST);
  }
};

inline bool is_float(Type t) {
  return t == T_F32 || t == T_F64 || t == T_F16 || t == T_BF16;
}
inline bool is_half(Type t) {
  return t == T_F16 || t == T_BF16 || t == T_F16X2 || t == T_BF16X2;
}

inline double to_double(Type t, u64 v, bool ftz) {
  switch (t) {
    case T_F32:
      return ftz ? flush(u2f((u32)v)) : u2f((u32)v);
    case T_F64:
      return u2d(v);
    case T_F16:
      return half_to_float(v & 0xffff);
    case T_BF16:
      return bf16_to_float(v & 0xffff);
    default:
      return 0;
  }
}
inline u64 round_to(Type t, double v) {
  return t == T_F16 ? double_to_half(v) : double_to_bf16(v);
}

template <class T>
T fmin_ptx(T a, T b, bool nan) {
  if (std::isnan(a) || std::isnan(b))
    return nan ? std::numeric_limits<T>::quiet_NaN() : std::isnan(a) ? b : a;
  if (a == 0 && b == 0) return std::signbit(a) ? a : b;  // -0 < +0
  return a < b ? a : b;
}
template <class T>
T fmax_ptx(T a, T b, bool nan) {
  if (std::isnan(a) || std::isnan(b))
    return nan ? std::numeric_limits<T>::quiet_NaN() : std::isnan(a) ? b : a;
  if (a == 0 && b == 0) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}
inline double saturate(double x) {
  return std::isnan(x) ? 0 : x < 0 ? 0 : x > 1 ? 1 : x;
}
inline double relu(double x) {
  return std::isnan(x) || x > 0 ? x : 0;
}

template <class T>
bool compare(int c, T a, T b) {
  switch (c) {
    case 0:
      return a == b;
    case 1:
      return a != b;
    case 2:
      return a < b;
    case 3:
      return a <= b;
    case 4:
      return a > b;
    default:
      return a >= b;
  }
}
inline bool compare_float(int c, double a, double b) {
  bool n = std::isnan(a) || std::isnan(b);
  if (c == 12) return !n;
  if (c == 13) return n;
  if (c >= 6) return n || compare(c - 6, a, b);
  return !n && compare(c, a, b);
}

}  // namespace ptxi
