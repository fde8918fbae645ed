// Arithmetic of one lane: comparisons.

#include "alu.h"

namespace ptxi {

// setp and set; `second` is the other half of a packed comparison, or the complement.
u64 eval_comparison(const Instruction& in, u64 a, u64 b, u64 c, u64& second) {
  const Type t = in.t;
  const Type s = in.t2;
  const int sb = type_bits(s);
  bool r;
  if (s == T_F16X2 || s == T_BF16X2) {  // the two halves apart
    const Type e16 = s == T_F16X2 ? T_F16 : T_BF16;
    const bool p = !in.bop || ((c & 1) ^ in.src_neg);
    bool lo = compare_float(in.cmp, to_double(e16, a, false), to_double(e16, b, false));
    bool hi = compare_float(in.cmp, to_double(e16, a >> 16, false), to_double(e16, b >> 16, false));
    if (in.bop) {
      lo = in.bop == 1 ? lo && p : in.bop == 2 ? lo || p : lo != p;
      hi = in.bop == 1 ? hi && p : in.bop == 2 ? hi || p : hi != p;
    }
    second = hi;
    if (in.op == O_setp) return lo;
    const u64 one = t == T_F16X2 ? 0x3c00 : t == T_BF16X2 ? 0x3f80 : 0xffff;
    return (lo ? one : 0) | (hi ? one << 16 : 0);
  }
  if (is_float(s))
    r = compare_float(in.cmp, to_double(s, a, in.ftz), to_double(s, b, in.ftz));
  else if (is_signed(s))
    r = compare(in.cmp, sign_extend(a, sb), sign_extend(b, sb));
  else
    r = compare(in.cmp, zero_extend(a, sb), zero_extend(b, sb));
  bool q = !r;
  if (in.bop) {
    bool p = (c & 1) ^ in.src_neg;
    r = in.bop == 1 ? r && p : in.bop == 2 ? r || p : r != p;
    q = in.bop == 1 ? q && p : in.bop == 2 ? q || p : q != p;
  }
  second = q;
  if (in.op == O_setp) return r;
  switch (t) {
    case T_F16:
      return r ? 0x3c00 : 0;
    case T_BF16:
      return r ? 0x3f80 : 0;
    case T_F32:
      return r ? 0x3f800000 : 0;
    default:
      return r ? ~0ull : 0;
  }
}

bool eval_testp(const Instruction& in, u64 a) {
  const Type t = in.t;
  double x = to_double(t, a, false);
  int cls = t == T_F32 ? std::fpclassify(u2f((u32)a)) : std::fpclassify(x);
  switch (in.mode) {
    case 0:
      return std::isfinite(x);
    case 1:
      return std::isinf(x);
    case 2:
      return !std::isnan(x);
    case 3:
      return std::isnan(x);
    case 4:
      return cls == FP_NORMAL;
    default:
      return cls == FP_SUBNORMAL;
  }
}

}  // namespace ptxi
