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

u64 bit_extract(const Instruction& in, u64 a, u32 pos, u32 len) {
  const u32 B = type_bits(in.t);
  pos &= 255;
  len &= 255;
  if (!len) return 0;
  u64 v = zero_extend(a, B);
  u64 sign = is_signed(in.t) ? v >> std::min(pos + len - 1, B - 1) & 1 : 0;
  u64 r = 0;
  for (u32 i = 0; i < B; i++) {
    u64 bit = i < len && pos + i < B ? v >> (pos + i) & 1 : sign;
    r |= bit << i;
  }
  return r;
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
      return a & b;
    case O_or_:
      return a | b;
    case O_xor_:
      return a ^ b;
    case O_not_:
      return ~a;
    case O_cnot:
      return zero_extend(a, B) == 0;
    case O_shl:
      return (u32)b >= (u32)B ? 0 : a << (u32)b;
    case O_shr: {
      u32 s = (u32)b;
      if (is_signed(t)) return (u64)(sign_extend(a, B) >> std::min<u32>(s, B - 1));
      return s >= (u32)B ? 0 : zero_extend(a, B) >> s;
    }
    case O_shf: {  // mode bit 0: right, bit 1: clamp
      u32 n = in.mode & 2 ? std::min<u32>((u32)c, 32) : (u32)c & 31;
      u64 v = b << 32 | (u32)a;
      if (in.mode & 1) return n == 32 ? (u32)b : (u32)(v >> n);
      return n == 32 ? (u32)a : (u32)(v << n >> 32);
    }
    case O_lop3: {
      u32 x = (u32)a, y = (u32)b, z = (u32)c, r = 0;
      for (int i = 0; i < 8; i++)
        if (e >> i & 1) r |= (i & 4 ? x : ~x) & (i & 2 ? y : ~y) & (i & 1 ? z : ~z);
      return r;
    }
    case O_prmt: {
      u64 v = b << 32 | (u32)a;
      u32 r = 0;
      for (int i = 0; i < 4; i++) {
        u32 sel = (u32)c >> (4 * i) & 15, by = (u32)(v >> (8 * (sel & 7))) & 255;
        if (sel & 8) by = by & 0x80 ? 255 : 0;
        r |= by << (8 * i);
      }
      return r;
    }
    case O_bfe:
      return bit_extract(in, a, (u32)b, (u32)c);
    case O_bfi: {
      u32 p = c & 255, n = e & 255;
      u64 mask = n >= 64 ? ~0ull : (1ull << n) - 1;
      mask = p >= 64 ? 0 : mask << p;
      return (b & ~mask) | ((p >= 64 ? 0 : a << p) & mask);
    }
    case O_bmsk: {
      u64 p = (u32)a, n = (u32)b;
      if (in.mode) {
        p &= 31;
        n &= 31;
      } else {
        p = std::min<u64>(p, 32);
        n = std::min<u64>(n, 32);
      }
      return ((1ull << n) - 1) << p;
    }
    case O_szext: {
      u32 n = std::min<u32>((u32)b, 32);
      return n == 0 ? 0 : is_signed(t) ? (u64)sign_extend(a, n) : zero_extend(a, n);
    }
    case O_brev: {
      u64 r = 0;
      for (int i = 0; i < B; i++)
        if (a >> i & 1) r |= 1ull << (B - 1 - i);
      return r;
    }
    case O_popc:
      return __builtin_popcountll(zero_extend(a, B));
    case O_clz: {
      u64 v = zero_extend(a, B);
      return v ? __builtin_clzll(v) - (64 - B) : B;
    }
    case O_bfind: {
      u64 v = zero_extend(a, B);
      if (is_signed(t) && v >> (B - 1) & 1) v = zero_extend(~v, B);
      if (!v) return 0xffffffffu;
      u64 r = 63 - __builtin_clzll(v);
      return in.mode ? B - 1 - r : r;
    }
    case O_setp:
    case O_set: {
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
    case O_tanh: {
      if (t == T_F64) {
        Rounding r(in.rnd);
        volatile double x = u2d(a);
        return d2u(in.op == O_sqrt ? std::sqrt(x) : in.op == O_rsqrt ? 1 / std::sqrt(x) : 1 / x);
      }
      // The approximations of the hardware are evaluated to nearly full float accuracy.
      float x = in.ftz ? flush(u2f((u32)a)) : u2f((u32)a), q;
      {
        Rounding r(in.rnd);
        volatile float v = x;
        switch (in.op) {
          case O_sqrt:
            q = std::sqrt(v);
            break;
          case O_rsqrt:
            q = (float)(1.0 / std::sqrt((double)v));
            break;
          case O_rcp:
            q = 1.0f / v;
            break;
          case O_ex2:
            q = std::exp2(v);
            break;
          case O_lg2:
            q = std::log2(v);
            break;
          case O_sin:
            q = std::sin(v);
            break;
          case O_cos:
            q = std::cos(v);
            break;
          default:
            q = std::tanh(v);
        }
      }
      return canonical(in.ftz ? flush(q) : q);
    }
    case O_testp: {
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
