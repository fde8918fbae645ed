// Arithmetic, lane by lane: the reference semantics of every arithmetic instruction. The common
// cases have a vectorised version in alu_fast.cpp; PTXI_FAST=0 turns those off.

#include "alu.h"

namespace ptxi {

namespace {

u32 half_op(Warp& w, const Instruction& in, Type e, u32 x, u32 y, u32 z) {
  double a = to_double(e, x, false), b = to_double(e, y, false), c = to_double(e, z, false), r = 0;
  switch (in.op) {
    case O_add:
      r = a + b;
      break;
    case O_sub:
      r = a - b;
      break;
    case O_mul:
      r = a * b;
      break;
    case O_fma:
    case O_mad:
      r = std::fma(a, b, c);
      break;
    case O_min:
      r = fmin_ptx(a, b, in.nan);
      break;
    case O_max:
      r = fmax_ptx(a, b, in.nan);
      break;
    case O_neg:
      return x ^ 0x8000;
    case O_abs:
      return x & 0x7fff;
    case O_tanh:
      r = std::tanh(a);
      break;
    case O_ex2:
      r = std::exp2(a);
      break;
    default:
      w.block->err(in, E_ILLEGAL_INSTRUCTION, "unsupported half-precision instruction", &w, 0);
  }
  if (in.relu && !(r > 0)) r = std::isnan(r) ? r : 0;
  if (in.sat) r = saturate(r);
  return (u32)round_to(e, r);
}

// f32 add/sub/mul/fma with rounding, ftz and saturation
u32 float_arith(const Instruction& in, float x, float y, float z) {
  Rounding r(in.rnd);
  if (in.ftz) {
    x = flush(x);
    y = flush(y);
    z = flush(z);
  }
  volatile float a = x, b = y, c = z, q;
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
    default:
      q = std::fma((float)a, (float)b, (float)c);
  }
  float o = in.ftz ? flush(q) : (float)q;
  if (in.sat) o = (float)saturate(o);
  return canonical(o);
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

u64 int_addsub(const Instruction& in, u64 x, u64 y, u64& carry) {
  const int B = type_bits(in.t);
  const bool sub = in.op == O_sub || in.op == O_subc;
  if (in.sat && in.t == T_S32) {
    i64 p = sign_extend(x, 32), q = sign_extend(y, 32), r = sub ? p - q : p + q;
    return (u32)std::min<i64>(std::max<i64>(r, INT32_MIN), INT32_MAX);
  }
  unsigned __int128 a = zero_extend(x, B), b = zero_extend(y, B), ci = in.carry_in ? carry : 0;
  unsigned __int128 r = sub ? a - b - ci : a + b + ci;
  if (in.carry_out) carry = (u64)(r >> B) & 1;
  return zero_extend((u64)r, B);
}

u64 eval(Warp& w, const Instruction& in, u64 a, u64 b, u64 c, u64 e, u64& carry, u64& second) {
  const Type t = in.t;
  const int B = type_bits(t);
  switch (in.op) {
    case O_mov:
      return a;
    case O_add:
    case O_sub:
    case O_addc:
    case O_subc:
    case O_mul:
    case O_mad:
    case O_fma:
    case O_madc:
      if (t == T_F32) return float_arith(in, u2f((u32)a), u2f((u32)b), u2f((u32)c));
      if (t == T_F64) {
        Rounding r(in.rnd);
        volatile double x = u2d(a), y = u2d(b), z = u2d(c);
        return d2u(in.op == O_add   ? x + y
                   : in.op == O_sub ? x - y
                   : in.op == O_mul ? x * y
                                    : std::fma((double)x, (double)y, (double)z));
      }
      if (in.op == O_mul || in.op == O_mad || in.op == O_madc) return int_muladd(in, a, b, c, carry);
      return int_addsub(in, a, b, carry);
    case O_mul24:
    case O_mad24: {
      i64 x = is_signed(t) ? sign_extend(a, 24) : (i64)(a & 0xffffff);
      i64 y = is_signed(t) ? sign_extend(b, 24) : (i64)(b & 0xffffff);
      u64 v = in.hi ? (u64)(x * y >> 16) : (u64)(x * y);
      return in.op == O_mad24 ? v + c : v;
    }
    case O_sad: {
      u64 x = zero_extend(a, B), y = zero_extend(b, B);
      if (is_signed(t)) {
        i64 p = sign_extend(a, B), q = sign_extend(b, B);
        return (p > q ? (u64)p - (u64)q : (u64)q - (u64)p) + c;
      }
      return (x > y ? x - y : y - x) + c;
    }
    case O_dp4a: {
      bool sa = in.t2 == T_S32, sb = in.t == T_S32;
      u32 s = (u32)c;
      for (int i = 0; i < 4; i++) {
        u64 x = a >> (8 * i) & 255, y = b >> (8 * i) & 255;
        s += (u32)((sa ? sign_extend(x, 8) : (i64)x) * (sb ? sign_extend(y, 8) : (i64)y));
      }
      return s;
    }
    case O_div:
    case O_rem: {
      if (t == T_F32) {
        Rounding r(in.rnd);
        float x = u2f((u32)a), y = u2f((u32)b);
        if (in.ftz) {
          x = flush(x);
          y = flush(y);
        }
        volatile float p = x, q = y;
        volatile float f = p / q;
        return canonical(in.ftz ? flush(f) : f);
      }
      if (t == T_F64) {
        Rounding r(in.rnd);
        volatile double x = u2d(a), y = u2d(b);
        return d2u(x / y);
      }
      if (zero_extend(b, B) == 0) return in.op == O_div ? ~0ull : a;  // unspecified by PTX
      if (is_signed(t)) {
        i64 x = sign_extend(a, B), y = sign_extend(b, B);
        if (y == -1) return in.op == O_div ? 0 - (u64)x : 0;
        return (u64)(in.op == O_div ? x / y : x % y);
      }
      u64 x = zero_extend(a, B), y = zero_extend(b, B);
      return in.op == O_div ? x / y : x % y;
    }
    case O_min:
    case O_max: {
      const bool mn = in.op == O_min;
      if (t == T_F32) {
        float x = u2f((u32)a), y = u2f((u32)b);
        if (in.ftz) {
          x = flush(x);
          y = flush(y);
        }
        float q = mn ? fmin_ptx(x, y, in.nan) : fmax_ptx(x, y, in.nan);
        if (in.ns > 2) {
          float z = in.ftz ? flush(u2f((u32)c)) : u2f((u32)c);
          q = mn ? fmin_ptx(q, z, in.nan) : fmax_ptx(q, z, in.nan);
        }
        return canonical(q);
      }
      if (t == T_F64) return d2u(mn ? fmin_ptx(u2d(a), u2d(b), in.nan) : fmax_ptx(u2d(a), u2d(b), in.nan));
      u64 r;
      if (is_signed(t)) {
        i64 x = sign_extend(a, B), y = sign_extend(b, B);
        r = (u64)(mn ? std::min(x, y) : std::max(x, y));
      } else {
        u64 x = zero_extend(a, B), y = zero_extend(b, B);
        r = mn ? std::min(x, y) : std::max(x, y);
      }
      return in.relu && sign_extend(r, B) < 0 ? 0 : r;
    }
    case O_abs: {
      if (t == T_F32) return (in.ftz ? f2u(flush(u2f((u32)a))) : (u32)a) & 0x7fffffff;
      if (t == T_F64) return a & ~(1ull << 63);
      i64 x = sign_extend(a, B);
      return x < 0 ? 0 - (u64)x : (u64)x;
    }
    case O_neg:
      if (t == T_F32) return (in.ftz ? f2u(flush(u2f((u32)a))) : (u32)a) ^ 0x80000000u;
      if (t == T_F64) return a ^ 1ull << 63;
      return 0 - a;
    case O_and_:
    case O_or_:
    case O_xor_:
    case O_not_:
    case O_cnot:
    case O_shl:
    case O_shr:
    case O_shf:
    case O_lop3:
    case O_prmt:
    case O_bfe:
    case O_bfi:
    case O_bmsk:
    case O_szext:
    case O_brev:
    case O_popc:
    case O_clz:
    case O_bfind:
      return eval_bits(in, a, b, c, e);
    case O_setp:
    case O_set:
      return eval_comparison(in, a, b, c, second);
    case O_selp:
      return (c & 1) ^ in.src_neg ? a : b;
    case O_slct:
      return (in.t2 == T_F32 ? u2f((u32)c) >= 0 : (i32)c >= 0) ? a : b;
    case O_cvt:
      if (t == T_F16X2 || t == T_BF16X2) {
        if (in.ns != 2 || in.t2 != T_F32)
          w.block->err(in, E_ILLEGAL_INSTRUCTION, "unsupported conversion", &w, 0);
        auto one = [&](u64 v) -> u32 {
          double x = u2f((u32)v);
          if (in.relu) x = std::isnan(x) ? x : x > 0 ? x : 0;
          return t == T_F16X2 ? double_to_half(x, in.rnd) : double_to_bf16(x, in.rnd);
        };
        return one(a) << 16 | one(b);
      }
      return convert(w, in, a);
    case O_sqrt:
    case O_rsqrt:
    case O_rcp:
    case O_ex2:
    case O_lg2:
    case O_sin:
    case O_cos:
    case O_tanh:
      return eval_special(in, a);
    case O_testp:
      return eval_testp(in, a);
    case O_copysign: {
      u64 s = 1ull << (B - 1);
      return (b & ~s) | (a & s);
    }
    case O_cvta: {
      u64 base = in.sp == SP_SHARED  ? kSharedWindow
                 : in.sp == SP_LOCAL ? kLocalWindow
                 : in.sp == SP_PARAM ? kParamWindow
                                     : 0;
      if (!in.to) return a + base;
      if (base && a >> 56 != base >> 56)
        w.block->err(in, E_ILLEGAL_ADDRESS, "cvta.to of an address in another space", &w, 0);
      return a - base;
    }
    case O_isspacep: {
      u64 s = a >> 56;
      return in.sp == SP_SHARED ? s == 1 : in.sp == SP_LOCAL ? s == 2 : in.sp == SP_GLOBAL && s == 0;
    }
    case O_createpolicy:
      return 0;
    default:
      w.block->err(in, E_ILLEGAL_INSTRUCTION, "unsupported instruction", &w, 0);
  }
}

}  // namespace

void h_generic(Warp& w, const Instruction& in, u32 m) {
  const int B = type_bits(in.t);
  if (in.op == O_mov && (in.nd > 1 || in.ns > 1)) {  // unpack or pack
    FOR_LANES(l, m) {
      if (in.nd > 1) {
        int eb = B / in.nd;
        u64 v = w.get(in.s[0], l);
        for (int i = 0; i < in.nd; i++) w.set(in.d[i], l, zero_extend(v >> (i * eb), eb));
      } else {
        int eb = B / in.ns;
        u64 v = 0;
        for (int i = 0; i < in.ns; i++) v |= zero_extend(w.get(in.s[i], l), eb) << (i * eb);
        w.set(in.d[0], l, v);
      }
    }
    return;
  }
  const bool packed = in.t == T_F16X2 || in.t == T_BF16X2;
  const bool half = is_half(in.t) && in.op != O_mov && in.op != O_cvt && in.op != O_setp && in.op != O_set &&
                    in.op != O_selp && in.op != O_testp && in.op != O_copysign;
  const Type e = in.t == T_F16 || in.t == T_F16X2 ? T_F16 : T_BF16;
  FOR_LANES(l, m) {
    u64 v[4] = {0, 0, 0, 0};
    for (int i = 0; i < in.ns && i < 4; i++) v[i] = w.get(in.s[i], l);
    u64 second = 0, r;
    if (half) {
      r = half_op(w, in, e, v[0] & 0xffff, v[1] & 0xffff, v[2] & 0xffff);
      if (packed)
        r |= (u64)half_op(w, in, e, v[0] >> 16 & 0xffff, v[1] >> 16 & 0xffff, v[2] >> 16 & 0xffff) << 16;
    } else {
      r = eval(w, in, v[0], v[1], v[2], v[3], w.carry[l], second);
    }
    // Results narrower than the register are zero-extended, except signed conversions, which
    // fill the register with the sign.
    if (in.op == O_cvt) {
      if (!is_signed(in.t)) r = zero_extend(r, B);
    } else if (in.op != O_setp && in.op != O_testp && in.op != O_isspacep && in.op != O_popc &&
               in.op != O_clz && in.op != O_bfind && !in.wide) {
      r = zero_extend(r, B);
    }
    w.set(in.d[0], l, r);
    if (in.nd > 1) w.set(in.d[1], l, second);
  }
}

}  // namespace ptxi
