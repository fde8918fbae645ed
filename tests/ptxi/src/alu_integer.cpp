// Arithmetic of one lane: integers.

#include "alu.h"

namespace ptxi {

namespace {

u64 int_addsub(const Instruction& in, u64 x, u64 y, u64& carry) {
  const int B = type_bits(in.t);
  const bool sub = in.op == O_sub || in.op == O_subc;
  if (in.sat && in.t == T_S32) {
    i64 p = sign_extend(x, 32), q = sign_extend(y, 32), r = sub ? p - q : p + q;
    return (u32)std::min<i64>(std::max<i64>(r, INT32_MIN), INT32_MAX);
  }
  // As devices do, though the PTX ISA speaks of a borrow: a difference is the sum with the complement, with
  // that sum's carry. addc may follow on subc.
  const unsigned __int128 a = zero_extend(x, B), b = zero_extend(sub ? ~y : y, B);
  const unsigned __int128 r = a + b + (in.carry_in ? carry : sub);
  if (in.carry_out) carry = (u64)(r >> B) & 1;
  return zero_extend((u64)r, B);
}

u64 int_muladd(const Instruction& in, u64 x, u64 y, u64 z, u64& carry) {
  const int B = type_bits(in.t);
  using u128 = unsigned __int128;
  u128 p;
  if (is_signed(in.t))
    p = (u128)((__int128)sign_extend(x, B) * sign_extend(y, B));
  else
    p = (u128)zero_extend(x, B) * zero_extend(y, B);
  const int ob = in.wide ? 2 * B : B;
  u64 v = in.hi ? (u64)(p >> B) : (u64)p;
  if (in.op == O_mul) return zero_extend(v, ob);
  u128 q = (u128)zero_extend(v, ob) + zero_extend(z, ob) + (in.carry_in ? carry : 0);
  if (in.carry_out) carry = (u64)(q >> ob) & 1;
  if (in.sat && in.t == T_S32 && in.hi) {
    i64 s = sign_extend(v, 32) + sign_extend(z, 32);
    return (u32)std::min<i64>(std::max<i64>(s, INT32_MIN), INT32_MAX);
  }
  return zero_extend((u64)q, ob);
}

u64 mul24(const Instruction& in, u64 a, u64 b) {
  i64 x = is_signed(in.t) ? sign_extend(a, 24) : (i64)(a & 0xffffff);
  i64 y = is_signed(in.t) ? sign_extend(b, 24) : (i64)(b & 0xffffff);
  return in.hi ? (u64)(x * y >> 16) : (u64)(x * y);
}

u64 distance(const Instruction& in, u64 a, u64 b) {
  const int B = type_bits(in.t);
  if (is_signed(in.t)) {
    i64 p = sign_extend(a, B), q = sign_extend(b, B);
    return p > q ? (u64)p - (u64)q : (u64)q - (u64)p;
  }
  u64 x = zero_extend(a, B), y = zero_extend(b, B);
  return x > y ? x - y : y - x;
}

u32 dp4a(const Instruction& in, u64 a, u64 b, u32 sum) {
  const bool sa = in.t2 == T_S32, sb = in.t == T_S32;
  for (int i = 0; i < 4; i++) {
    u64 x = a >> (8 * i) & 255, y = b >> (8 * i) & 255;
    sum += (u32)((sa ? sign_extend(x, 8) : (i64)x) * (sb ? sign_extend(y, 8) : (i64)y));
  }
  return sum;
}

u32 dp2a(const Instruction& in, u64 a, u64 b, u32 sum) {
  const bool sa = in.t2 == T_S32, sb = in.t == T_S32;
  for (int i = 0; i < 2; i++) {
    u64 x = a >> (16 * i) & 0xffff, y = b >> (8 * i + (in.hi ? 16 : 0)) & 255;
    sum += (u32)((sa ? sign_extend(x, 16) : (i64)x) * (sb ? sign_extend(y, 8) : (i64)y));
  }
  return sum;
}

// Between the halves or bytes of a and b: packed, or, in mode 1, their sum and c.
u32 packed_distances(const Instruction& in, u32 a, u32 b, u32 c) {
  const int B = in.op == O_vabsdiff2 ? 16 : 8;
  u32 packed = 0, sum = c;
  for (int i = 0; i < 32; i += B) {
    const i64 x = is_signed(in.t2) ? sign_extend(a >> i, B) : (i64)zero_extend(a >> i, B);
    const i64 y = is_signed(in.t) ? sign_extend(b >> i, B) : (i64)zero_extend(b >> i, B);
    const u32 distance = (u32)(x > y ? x - y : y - x);
    packed |= (u32)zero_extend(distance, B) << i;
    sum += distance;
  }
  return in.mode ? sum : packed;
}

u64 quotient(const Instruction& in, u64 a, u64 b) {
  const int B = type_bits(in.t);
  const bool div = in.op == O_div;
  if (zero_extend(b, B) == 0) return div ? ~0ull : a;  // unspecified by PTX
  if (is_signed(in.t)) {
    i64 x = sign_extend(a, B), y = sign_extend(b, B);
    if (y == -1) return div ? 0 - (u64)x : 0;
    return (u64)(div ? x / y : x % y);
  }
  u64 x = zero_extend(a, B), y = zero_extend(b, B);
  return div ? x / y : x % y;
}

u64 extreme(const Instruction& in, u64 a, u64 b) {
  const int B = type_bits(in.t);
  const bool least = in.op == O_min;
  u64 r;
  if (is_signed(in.t)) {
    i64 x = sign_extend(a, B), y = sign_extend(b, B);
    r = (u64)(least ? std::min(x, y) : std::max(x, y));
  } else {
    u64 x = zero_extend(a, B), y = zero_extend(b, B);
    r = least ? std::min(x, y) : std::max(x, y);
  }
  return in.relu && sign_extend(r, B) < 0 ? 0 : r;
}

u64 magnitude(u64 a, int B) {
  i64 x = sign_extend(a, B);
  return x < 0 ? 0 - (u64)x : (u64)x;
}

}  // namespace

u64 eval_integer(const Instruction& in, u64 a, u64 b, u64 c, u64& carry) {
  switch (in.op) {
    case O_mul:
    case O_mad:
    case O_madc:
      return int_muladd(in, a, b, c, carry);
    case O_mul24:
      return mul24(in, a, b);
    case O_mad24:
      return mul24(in, a, b) + c;
    case O_sad:
      return distance(in, a, b) + c;
    case O_dp4a:
      return dp4a(in, a, b, (u32)c);
    case O_dp2a:
      return dp2a(in, a, b, (u32)c);
    case O_vabsdiff2:
    case O_vabsdiff4:
      return packed_distances(in, (u32)a, (u32)b, (u32)c);
    case O_div:
    case O_rem:
      return quotient(in, a, b);
    case O_min:
    case O_max:
      return extreme(in, a, b);
    case O_abs:
      return magnitude(a, type_bits(in.t));
    case O_neg:
      return 0 - a;
    default:
      return int_addsub(in, a, b, carry);
  }
}

}  // namespace ptxi
