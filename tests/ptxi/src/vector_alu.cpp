// Vectorised arithmetic of integers, and the choice of handlers. Anything not listed here falls back to
// h_generic (alu.cpp).

#include "vector_alu.h"

#include <algorithm>

#include "lanes.h"

namespace ptxi {

namespace {

bool is_int32(Type t) {
  return t == T_B32 || t == T_U32 || t == T_S32;
}
bool is_int64(Type t) {
  return t == T_B64 || t == T_U64 || t == T_S64;
}

// Sums and products of integers.
Handler sum(const Instruction& in) {
  const bool add = in.op == O_add;
  if (is_int32(in.t))
    return add ? lanes(in, [](u32 a, u32 b) { return a + b; })
               : lanes(in, [](u32 a, u32 b) { return a - b; });
  if (is_int64(in.t))
    return add ? lanes(in, [](u64 a, u64 b) { return a + b; })
               : lanes(in, [](u64 a, u64 b) { return a - b; });
  return nullptr;
}
Handler wide_product(const Instruction& in) {
  const bool add = in.op != O_mul;
  if (in.t == T_S32)
    return add ? lanes(in, [](i32 a, i32 b, u64 c) { return (u64)((i64)a * b) + c; })
               : lanes(in, [](i32 a, i32 b) { return (i64)a * b; });
  if (in.t == T_U32)
    return add ? lanes(in, [](u32 a, u32 b, u64 c) { return (u64)a * b + c; })
               : lanes(in, [](u32 a, u32 b) { return (u64)a * b; });
  return nullptr;
}
Handler product(const Instruction& in) {
  if (in.op != O_mul) {
    if (in.hi) return nullptr;
    if (is_int32(in.t)) return lanes(in, [](u32 a, u32 b, u32 c) { return a * b + c; });
    return is_int64(in.t) ? lanes(in, [](u64 a, u64 b, u64 c) { return a * b + c; }) : nullptr;
  }
  if (is_int64(in.t)) return in.hi ? nullptr : lanes(in, [](u64 a, u64 b) { return a * b; });
  if (!is_int32(in.t)) return nullptr;
  if (!in.hi) return lanes(in, [](u32 a, u32 b) { return a * b; });
  return in.t == T_S32 ? lanes(in, [](i32 a, i32 b) { return (u32)((i64)a * b >> 32); })
                       : lanes(in, [](u32 a, u32 b) { return (u32)((u64)a * b >> 32); });
}

// Bits of 16, 32 or 64 together.
template <class T>
Handler logic(const Instruction& in) {
  switch (in.op) {
    case O_and_:
      return lanes(in, [](T a, T b) { return (T)(a & b); });
    case O_or_:
      return lanes(in, [](T a, T b) { return (T)(a | b); });
    default:
      return lanes(in, [](T a, T b) { return (T)(a ^ b); });
  }
}
// A shift by the number of bits or more gives zeros, or copies of the sign.
template <class T>
Handler shift(const Instruction& in) {
  constexpr u32 last = sizeof(T) * 8 - 1;
  if (in.op == O_shl) return lanes(in, [](T a, u32 n) { return n > last ? T(0) : a << (n & last); });
  if (!is_signed(in.t)) return lanes(in, [](T a, u32 n) { return n > last ? T(0) : a >> (n & last); });
  return lanes(in, [](T a, u32 n) { return (T)((std::make_signed_t<T>)a >> (n > last ? last : n)); });
}
void lop3(Warp& w, const Instruction& in, u32 m) {
  const Source<u32> a(w, in, in.s[0]), b(w, in, in.s[1]), c(w, in, in.s[2]);
  const u32 table = w.r32(in.s[3])[0];
  store_lanes(w.r32(in.d[0]), m, [=](int l) {
    u32 x = a[l], y = b[l], z = c[l], r = 0;
    for (int i = 0; i < 8; i++) {
      u32 on = table >> i & 1 ? ~0u : 0;
      r |= on & (i & 4 ? x : ~x) & (i & 2 ? y : ~y) & (i & 1 ? z : ~z);
    }
    return r;
  });
}
Handler funnel_shift(const Instruction& in) {  // mode bit 0: right, bit 1: clamp
  if (in.mode & 2) return nullptr;
  return in.mode & 1
             ? lanes(in, [](u32 a, u32 b, u32 n) { return (u32)(((u64)b << 32 | a) >> (n & 31)); })
             : lanes(in, [](u32 a, u32 b, u32 n) { return (u32)(((u64)b << 32 | a) << (n & 31) >> 32); });
}

template <bool Min>
Handler extreme(const Instruction& in) {
  if (in.relu) return nullptr;
  if (in.t == T_S32) return lanes(in, [](i32 a, i32 b) { return Min ? std::min(a, b) : std::max(a, b); });
  if (in.t == T_U32) return lanes(in, [](u32 a, u32 b) { return Min ? std::min(a, b) : std::max(a, b); });
  if (in.t == T_S64) return lanes(in, [](i64 a, i64 b) { return Min ? std::min(a, b) : std::max(a, b); });
  if (in.t == T_U64) return lanes(in, [](u64 a, u64 b) { return Min ? std::min(a, b) : std::max(a, b); });
  return nullptr;
}

// A register in two halves.
void unpack16(Warp& w, const Instruction& in, u32 m) {
  u32 v[32];  // the source may be one of the destinations
  for (int l = 0; l < 32; l++) v[l] = w.r32(in.s[0])[l];
  store_lanes(w.r32(in.d[0]), m, [&](int l) { return v[l] & 0xffff; });
  store_lanes(w.r32(in.d[1]), m, [&](int l) { return v[l] >> 16; });
}
void unpack32(Warp& w, const Instruction& in, u32 m) {
  const u64* a = w.r64(in.s[0]);
  store_lanes(w.r32(in.d[0]), m, [&](int l) { return (u32)a[l]; });
  store_lanes(w.r32(in.d[1]), m, [&](int l) { return (u32)(a[l] >> 32); });
}
Handler move(const Instruction& in) {
  const int bits = type_bits(in.t);
  if (in.nd == 2 && in.ns == 1) {
    const RegClass half = in.d[0].cls(), whole = in.s[0].cls();
    if (half != in.d[1].cls()) return nullptr;
    if (bits == 32 && half == RC_16 && whole == RC_32) return unpack16;
    return bits == 64 && half == RC_32 && whole == RC_64 ? unpack32 : nullptr;
  }
  if (in.ns == 2) {
    if (bits == 32) return lanes(in, [](u16 a, u16 b) { return a | (u32)b << 16; });
    return bits == 64 ? lanes(in, [](u32 a, u32 b) { return a | (u64)b << 32; }) : nullptr;
  }
  if (in.nd != 1 || in.ns != 1) return nullptr;
  if (in.d[0].cls() == RC_PRED && in.s[0].cls() == RC_PRED) return vector_predicate(in);
  if (bits == 32) return lanes(in, [](u32 a) { return a; });
  if (bits == 64) return lanes(in, [](u64 a) { return a; });
  return bits == 16 ? lanes(in, [](u16 a) { return a; }) : nullptr;
}

}  // namespace

Handler vector_handler(const Instruction& in) {
  const int bits = type_bits(in.t);
  const bool f32 = in.t == T_F32;
  const bool carry = in.carry_in || in.carry_out;
  switch (in.op) {
    case O_mov:
      return move(in);
    case O_cvta:
      return in.sp == SP_GLOBAL || in.sp == SP_CONST ? lanes(in, [](u64 a) { return a; }) : nullptr;
    case O_add:
    case O_sub:
    case O_mul:
    case O_mad:
    case O_fma:
      if (f32 || in.t == T_F64) return vector_float(in);
      if (carry || in.sat) return nullptr;
      if (in.op == O_add || in.op == O_sub) return sum(in);
      return in.wide ? wide_product(in) : product(in);
    case O_div:
      // The quotient of two doubles that hold them is never rounded up to an integer.
      if (in.t == T_U32) return lanes(in, [](u32 a, u32 b) { return b ? (u32)((double)a / b) : ~0u; });
      return vector_float(in);
    case O_sqrt:
      return vector_float(in);
    case O_and_:
    case O_or_:
    case O_xor_:
      if (in.t == T_PRED) return vector_predicate(in);
      return bits == 32   ? logic<u32>(in)
             : bits == 64 ? logic<u64>(in)
             : bits == 16 ? logic<u16>(in)
                          : nullptr;
    case O_not_:
      if (in.t == T_PRED) return vector_predicate(in);
      return bits == 32   ? lanes(in, [](u32 a) { return ~a; })
             : bits == 64 ? lanes(in, [](u64 a) { return ~a; })
                          : nullptr;
    case O_neg:
      if (f32 && !in.ftz) return lanes(in, [](u32 a) { return a ^ 0x80000000u; });
      return is_int32(in.t)   ? lanes(in, [](u32 a) { return 0u - a; })
             : is_int64(in.t) ? lanes(in, [](u64 a) { return 0u - a; })
                              : nullptr;
    case O_abs:
      return f32 && !in.ftz ? lanes(in, [](u32 a) { return a & 0x7fffffffu; }) : nullptr;
    case O_shl:
    case O_shr:
      return bits == 32 ? shift<u32>(in) : bits == 64 ? shift<u64>(in) : nullptr;
    case O_min:
      return f32 ? vector_float(in) : extreme<true>(in);
    case O_max:
      return f32 ? vector_float(in) : extreme<false>(in);
    case O_lop3: {
      const bool plain = in.s[0].cls() == RC_32 && in.s[1].cls() == RC_32 && in.s[2].cls() == RC_32;
      return plain && in.d[0].cls() == RC_32 && in.s[3].file() == 1 ? lop3 : nullptr;
    }
    case O_shf:
      return funnel_shift(in);
    case O_selp:
      if (bits == 32) return lanes(in, [](u32 a, u32 b, bool p) { return p ? a : b; });
      if (bits == 64) return lanes(in, [](u64 a, u64 b, bool p) { return p ? a : b; });
      return bits == 16 ? lanes(in, [](u16 a, u16 b, bool p) { return p ? a : b; }) : nullptr;
    case O_setp:
      return vector_comparison(in);
    case O_cvt:
      return vector_conversion(in);
    default:
      return nullptr;
  }
}

}  // namespace ptxi
