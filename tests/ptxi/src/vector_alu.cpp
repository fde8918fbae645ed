// Vectorised handlers for the common arithmetic instructions: plain loops over 32 lanes that the
// compiler turns into vector code. Anything not listed here falls back to h_generic (alu.cpp).
#include <algorithm>

#include "block.h"
#include "numeric.h"

namespace ptxi {

namespace {

// Inactive lanes keep their old value. The full-warp case is by far the most common one.
template <class T, class F>
inline void store_lanes(T* d, u32 m, F value) {
  if (m == ~0u) {
#pragma GCC ivdep
    for (int l = 0; l < 32; l++) d[l] = value(l);
  } else {
#pragma GCC ivdep
    for (int l = 0; l < 32; l++) {
      T v = value(l);
      d[l] = m >> l & 1 ? v : d[l];
    }
  }
}
template <class F>
inline void store_pred(u32* d, u32 m, F value) {
  u32 r = 0;
  for (int l = 0; l < 32; l++) r |= (u32)value(l) << l;
  *d = (*d & ~m) | (r & m);
}

#define A32 const u32* a = w.r32(in.s[0])
#define B32 const u32* b = w.r32(in.s[1])
#define C32 const u32* c = w.r32(in.s[2])
#define A64 const u64* a = w.r64(in.s[0])
#define B64 const u64* b = w.r64(in.s[1])
#define C64 const u64* c = w.r64(in.s[2])
#define D32 u32* d = w.r32(in.d[0])
#define D64 u64* d = w.r64(in.d[0])
#define DEF(name) void name(Warp& w, const Instruction& in, u32 m)

// 32-bit integers
DEF(mov32) {
  A32;
  D32;
  store_lanes(d, m, [=](int l) { return a[l]; });
}
DEF(add32) {
  A32;
  B32;
  D32;
  store_lanes(d, m, [=](int l) { return a[l] + b[l]; });
}
DEF(sub32) {
  A32;
  B32;
  D32;
  store_lanes(d, m, [=](int l) { return a[l] - b[l]; });
}
DEF(mul32) {
  A32;
  B32;
  D32;
  store_lanes(d, m, [=](int l) { return a[l] * b[l]; });
}
DEF(mad32) {
  A32;
  B32;
  C32;
  D32;
  store_lanes(d, m, [=](int l) { return a[l] * b[l] + c[l]; });
}
DEF(and32) {
  A32;
  B32;
  D32;
  store_lanes(d, m, [=](int l) { return a[l] & b[l]; });
}
DEF(or32) {
  A32;
  B32;
  D32;
  store_lanes(d, m, [=](int l) { return a[l] | b[l]; });
}
DEF(xor32) {
  A32;
  B32;
  D32;
  store_lanes(d, m, [=](int l) { return a[l] ^ b[l]; });
}
DEF(not32) {
  A32;
  D32;
  store_lanes(d, m, [=](int l) { return ~a[l]; });
}
DEF(neg32) {
  A32;
  D32;
  store_lanes(d, m, [=](int l) { return 0u - a[l]; });
}
DEF(shl32) {
  A32;
  B32;
  D32;
  store_lanes(d, m, [=](int l) { return b[l] > 31 ? 0 : a[l] << (b[l] & 31); });
}
DEF(shru32) {
  A32;
  B32;
  D32;
  store_lanes(d, m, [=](int l) { return b[l] > 31 ? 0 : a[l] >> (b[l] & 31); });
}
DEF(shrs32) {
  A32;
  B32;
  D32;
  store_lanes(d, m, [=](int l) { return (u32)((i32)a[l] >> (b[l] > 31 ? 31 : b[l])); });
}
DEF(minu32) {
  A32;
  B32;
  D32;
  store_lanes(d, m, [=](int l) { return std::min(a[l], b[l]); });
}
DEF(maxu32) {
  A32;
  B32;
  D32;
  store_lanes(d, m, [=](int l) { return std::max(a[l], b[l]); });
}
DEF(mins32) {
  A32;
  B32;
  D32;
  store_lanes(d, m, [=](int l) { return (u32)std::min((i32)a[l], (i32)b[l]); });
}
DEF(maxs32) {
  A32;
  B32;
  D32;
  store_lanes(d, m, [=](int l) { return (u32)std::max((i32)a[l], (i32)b[l]); });
}
DEF(mulhiu32) {
  A32;
  B32;
  D32;
  store_lanes(d, m, [=](int l) { return (u32)((u64)a[l] * b[l] >> 32); });
}
DEF(mulhis32) {
  A32;
  B32;
  D32;
  store_lanes(d, m, [=](int l) { return (u32)((i64)(i32)a[l] * (i32)b[l] >> 32); });
}
DEF(lop3) {
  A32;
  B32;
  C32;
  D32;
  const u32 lut = w.r32(in.s[3])[0];
  store_lanes(d, m, [=](int l) {
    u32 x = a[l], y = b[l], z = c[l], r = 0;
    for (int i = 0; i < 8; i++) {
      u32 on = lut >> i & 1 ? ~0u : 0;
      r |= on & (i & 4 ? x : ~x) & (i & 2 ? y : ~y) & (i & 1 ? z : ~z);
    }
    return r;
  });
}
DEF(shf_wrap) {  // mode bit 0: right
  A32;
  B32;
  C32;
  D32;
  const bool right = in.mode & 1;
  store_lanes(d, m, [=](int l) {
    u64 v = (u64)b[l] << 32 | a[l];
    u32 n = c[l] & 31;
    return right ? (u32)(v >> n) : (u32)(v << n >> 32);
  });
}
DEF(selp32) {
  A32;
  B32;
  D32;
  const u32 p = *w.r32(in.s[2]) ^ (in.src_neg ? ~0u : 0);
  store_lanes(d, m, [=](int l) { return p >> l & 1 ? a[l] : b[l]; });
}
// 64-bit integers
DEF(mov64) {
  A64;
  D64;
  store_lanes(d, m, [=](int l) { return a[l]; });
}
DEF(add64) {
  A64;
  B64;
  D64;
  store_lanes(d, m, [=](int l) { return a[l] + b[l]; });
}
DEF(sub64) {
  A64;
  B64;
  D64;
  store_lanes(d, m, [=](int l) { return a[l] - b[l]; });
}
DEF(mul64) {
  A64;
  B64;
  D64;
  store_lanes(d, m, [=](int l) { return a[l] * b[l]; });
}
DEF(mad64) {
  A64;
  B64;
  C64;
  D64;
  store_lanes(d, m, [=](int l) { return a[l] * b[l] + c[l]; });
}
DEF(and64) {
  A64;
  B64;
  D64;
  store_lanes(d, m, [=](int l) { return a[l] & b[l]; });
}
DEF(or64) {
  A64;
  B64;
  D64;
  store_lanes(d, m, [=](int l) { return a[l] | b[l]; });
}
DEF(xor64) {
  A64;
  B64;
  D64;
  store_lanes(d, m, [=](int l) { return a[l] ^ b[l]; });
}
DEF(shl64) {
  A64;
  B32;
  D64;
  store_lanes(d, m, [=](int l) { return b[l] > 63 ? 0 : a[l] << (b[l] & 63); });
}
DEF(shru64) {
  A64;
  B32;
  D64;
  store_lanes(d, m, [=](int l) { return b[l] > 63 ? 0 : a[l] >> (b[l] & 63); });
}
DEF(shrs64) {
  A64;
  B32;
  D64;
  store_lanes(d, m, [=](int l) { return (u64)((i64)a[l] >> (b[l] > 63 ? 63 : b[l])); });
}
DEF(selp64) {
  A64;
  B64;
  D64;
  const u32 p = *w.r32(in.s[2]) ^ (in.src_neg ? ~0u : 0);
  store_lanes(d, m, [=](int l) { return p >> l & 1 ? a[l] : b[l]; });
}
DEF(mulwide_u32) {
  A32;
  B32;
  D64;
  store_lanes(d, m, [=](int l) { return (u64)a[l] * b[l]; });
}
DEF(mulwide_s32) {
  A32;
  B32;
  D64;
  store_lanes(d, m, [=](int l) { return (u64)((i64)(i32)a[l] * (i32)b[l]); });
}
DEF(madwide_u32) {
  A32;
  B32;
  C64;
  D64;
  store_lanes(d, m, [=](int l) { return (u64)a[l] * b[l] + c[l]; });
}
DEF(madwide_s32) {
  A32;
  B32;
  C64;
  D64;
  store_lanes(d, m, [=](int l) { return (u64)((i64)(i32)a[l] * (i32)b[l]) + c[l]; });
}
// Conversions between integers
DEF(sext_32_64) {
  A32;
  D64;
  store_lanes(d, m, [=](int l) { return (u64)(i64)(i32)a[l]; });
}
DEF(zext_32_64) {
  A32;
  D64;
  store_lanes(d, m, [=](int l) { return (u64)a[l]; });
}
DEF(trunc_64_32) {
  A64;
  D32;
  store_lanes(d, m, [=](int l) { return (u32)a[l]; });
}
DEF(trunc_16) {
  A32;
  D32;
  store_lanes(d, m, [=](int l) { return a[l] & 0xffff; });
}
DEF(cvt_f32_s32) {
  A32;
  D32;
  store_lanes(d, m, [=](int l) { return f2u((float)(i32)a[l]); });
}
DEF(cvt_f32_u32) {
  A32;
  D32;
  store_lanes(d, m, [=](int l) { return f2u((float)a[l]); });
}
// Packing 16-bit halves
DEF(pack16) {
  A32;
  B32;
  D32;
  store_lanes(d, m, [=](int l) { return (a[l] & 0xffff) | b[l] << 16; });
}
DEF(unpack16) {
  A32;
  u32 *d0 = w.r32(in.d[0]), *d1 = w.r32(in.d[1]);
  u32 v[32];
  for (int l = 0; l < 32; l++) v[l] = a[l];
  store_lanes(d0, m, [&](int l) { return v[l] & 0xffff; });
  store_lanes(d1, m, [&](int l) { return v[l] >> 16; });
}
DEF(pack32) {
  A32;
  B32;
  D64;
  store_lanes(d, m, [=](int l) { return a[l] | (u64)b[l] << 32; });
}
DEF(unpack32) {
  A64;
  u32 *d0 = w.r32(in.d[0]), *d1 = w.r32(in.d[1]);
  store_lanes(d0, m, [&](int l) { return (u32)a[l]; });
  store_lanes(d1, m, [&](int l) { return (u32)(a[l] >> 32); });
}
// f32, to nearest
template <bool Z>
inline float in_f(u32 u) {
  return Z ? flush(u2f(u)) : u2f(u);
}
template <bool Z>
inline u32 out_f(float f) {
  return canonical(Z ? flush(f) : f);
}
template <bool Z>
DEF(addf) {
  A32;
  B32;
  D32;
  store_lanes(d, m, [=](int l) { return out_f<Z>(in_f<Z>(a[l]) + in_f<Z>(b[l])); });
}
template <bool Z>
DEF(subf) {
  A32;
  B32;
  D32;
  store_lanes(d, m, [=](int l) { return out_f<Z>(in_f<Z>(a[l]) - in_f<Z>(b[l])); });
}
template <bool Z>
DEF(mulf) {
  A32;
  B32;
  D32;
  store_lanes(d, m, [=](int l) { return out_f<Z>(in_f<Z>(a[l]) * in_f<Z>(b[l])); });
}
template <bool Z>
DEF(fmaf_) {
  A32;
  B32;
  C32;
  D32;
  store_lanes(d, m,
              [=](int l) { return out_f<Z>(__builtin_fmaf(in_f<Z>(a[l]), in_f<Z>(b[l]), in_f<Z>(c[l]))); });
}
DEF(negf) {
  A32;
  D32;
  store_lanes(d, m, [=](int l) { return a[l] ^ 0x80000000u; });
}
DEF(absf) {
  A32;
  D32;
  store_lanes(d, m, [=](int l) { return a[l] & 0x7fffffffu; });
}
// min/max on the ordered-integer image of a float: handles -0 < +0; NaN loses.
inline i32 ordered(u32 u) {
  return (i32)(u ^ ((u32)((i32)u >> 31) >> 1));
}
inline bool is_nan_bits(u32 u) {
  return (u & 0x7fffffff) > 0x7f800000;
}
DEF(minf) {
  A32;
  B32;
  D32;
  store_lanes(d, m, [=](int l) {
    u32 x = a[l], y = b[l];
    u32 r = ordered(x) < ordered(y) ? x : y;
    r = is_nan_bits(y) ? x : r;
    r = is_nan_bits(x) ? y : r;
    return is_nan_bits(r) ? 0x7fffffffu : r;
  });
}
DEF(maxf) {
  A32;
  B32;
  D32;
  store_lanes(d, m, [=](int l) {
    u32 x = a[l], y = b[l];
    u32 r = ordered(x) > ordered(y) ? x : y;
    r = is_nan_bits(y) ? x : r;
    r = is_nan_bits(x) ? y : r;
    return is_nan_bits(r) ? 0x7fffffffu : r;
  });
}
// f32 to bf16, one or two values; bf16 and half to f32
DEF(cvt_bf16x2) {
  A32;
  B32;
  D32;
  store_lanes(d, m, [=](int l) { return float_to_bf16_rn(u2f(a[l])) << 16 | float_to_bf16_rn(u2f(b[l])); });
}
DEF(cvt_bf16) {
  A32;
  D32;
  store_lanes(d, m, [=](int l) { return float_to_bf16_rn(u2f(a[l])); });
}
DEF(cvt_f16) {
  A32;
  D32;
  store_lanes(d, m, [=](int l) { return float_to_half_rn(u2f(a[l])); });
}
DEF(cvt_f16x2) {
  A32;
  B32;
  D32;
  store_lanes(d, m, [=](int l) { return float_to_half_rn(u2f(a[l])) << 16 | float_to_half_rn(u2f(b[l])); });
}
DEF(cvt_f32_bf16) {
  A32;
  D32;
  store_lanes(d, m, [=](int l) { return canonical(u2f(a[l] << 16)); });
}
DEF(cvt_f32_f16) {
  A32;
  D32;
  store_lanes(d, m, [=](int l) { return canonical(half_to_float(a[l] & 0xffff)); });
}
DEF(cvt_tf32_rna) {
  A32;
  D32;
  store_lanes(d, m, [=](int l) {
    u32 u = a[l], mag = u & 0x7fffffff, r = (u + 0x1000) & ~0x1fffu;
    r = mag >= 0x7f800000 ? u : r;
    return mag > 0x7f800000 ? 0x7fffffffu : r;
  });
}
// Comparisons
template <int C, class T>
inline bool cmp(T x, T y) {
  return C == 0 ? x == y : C == 1 ? x != y : C == 2 ? x < y : C == 3 ? x <= y : C == 4 ? x > y : x >= y;
}
inline void combine(Warp& w, const Instruction& in, u32 m, u32 r) {
  u32 q = ~r;
  if (in.bop) {
    u32 p = *w.r32(in.s[2]) ^ (in.src_neg ? ~0u : 0);
    r = in.bop == 1 ? r & p : in.bop == 2 ? r | p : r ^ p;
    q = in.bop == 1 ? q & p : in.bop == 2 ? q | p : q ^ p;
  }
  u32* d = w.r32(in.d[0]);
  *d = (*d & ~m) | (r & m);
  if (in.nd > 1) {
    d = w.r32(in.d[1]);
    *d = (*d & ~m) | (q & m);
  }
}
template <int C, class T>
DEF(setp) {
  const T* a = (const T*)w.r32(in.s[0]);
  const T* b = (const T*)w.r32(in.s[1]);
  u32 r = 0;
  for (int l = 0; l < 32; l++) r |= (u32)cmp<C, T>(a[l], b[l]) << l;
  combine(w, in, m, r);
}
template <class T>
Handler setp_for(int c) {
  switch (c) {
    case 0:
      return setp<0, T>;
    case 1:
      return setp<1, T>;
    case 2:
      return setp<2, T>;
    case 3:
      return setp<3, T>;
    case 4:
      return setp<4, T>;
    case 5:
      return setp<5, T>;
    default:
      return nullptr;
  }
}
// Predicates
DEF(predop) {
  u32 a = *w.r32(in.s[0]), b = in.ns > 1 ? *w.r32(in.s[1]) : 0;
  u32 r = in.op == O_and_   ? a & b
          : in.op == O_or_  ? a | b
          : in.op == O_xor_ ? a ^ b
          : in.op == O_not_ ? ~a
                            : a;
  u32* d = w.r32(in.d[0]);
  *d = (*d & ~m) | (r & m);
}

// All register operands must have exactly the classes the handler assumes.
bool classes(const Instruction& in, RegClass d, std::initializer_list<RegClass> s) {
  if (in.nd != 1 || in.d[0].cls() != d || in.ns != s.size()) return false;
  int i = 0;
  for (RegClass c : s) {
    RegClass have = in.s[i++].cls();
    if (have != c) return false;
  }
  return true;
}

}  // namespace

Handler vector_handler(const Kernel&, const Instruction& in) {
  const Type t = in.t;
  const int B = type_bits(t);
  const bool i32t = t == T_B32 || t == T_U32 || t == T_S32;
  const bool i64t = t == T_B64 || t == T_U64 || t == T_S64;
  const bool plain_f32 = t == T_F32 && in.rnd <= RN && !in.sat;
  const bool c1 = classes(in, RC_32, {RC_32}), c2 = classes(in, RC_32, {RC_32, RC_32});
  const bool c3 = classes(in, RC_32, {RC_32, RC_32, RC_32});
  const bool q1 = classes(in, RC_64, {RC_64}), q2 = classes(in, RC_64, {RC_64, RC_64});
  const bool q3 = classes(in, RC_64, {RC_64, RC_64, RC_64});
  const bool qs = classes(in, RC_64, {RC_64, RC_32});
  const bool carry = in.carry_in || in.carry_out;
  switch (in.op) {
    case O_mov:
      if (in.nd == 1 && in.ns == 1) {
        if (in.d[0].cls() == RC_PRED && in.s[0].cls() == RC_PRED) return predop;
        if (B == 32 && c1) return mov32;
        if (B == 64 && q1) return mov64;
        if (B == 16 && classes(in, RC_16, {RC_16})) return mov32;
      } else if (in.ns == 2 && in.nd == 1) {
        if (B == 32 && classes(in, RC_32, {RC_16, RC_16})) return pack16;
        if (B == 64 && classes(in, RC_64, {RC_32, RC_32})) return pack32;
      } else if (in.nd == 2 && in.ns == 1) {
        RegClass d0 = in.d[0].cls(), d1 = in.d[1].cls(), s0 = in.s[0].cls();
        if (B == 32 && d0 == RC_16 && d1 == RC_16 && s0 == RC_32) return unpack16;
        if (B == 64 && d0 == RC_32 && d1 == RC_32 && s0 == RC_64) return unpack32;
      }
      return nullptr;
    case O_cvta:
      return (in.sp == SP_GLOBAL || in.sp == SP_CONST) && q1 ? mov64 : nullptr;
    case O_add:
    case O_sub: {
      bool sub = in.op == O_sub;
      if (plain_f32 && c2)
        return sub ? (in.ftz ? subf<true> : subf<false>) : in.ftz ? addf<true> : addf<false>;
      if (carry || in.sat) return nullptr;
      if (i32t && c2) return sub ? sub32 : add32;
      if (i64t && q2) return sub ? sub64 : add64;
      return nullptr;
    }
    case O_mul:
      if (plain_f32 && c2) return in.ftz ? mulf<true> : mulf<false>;
      if (in.wide) {
        if (!classes(in, RC_64, {RC_32, RC_32})) return nullptr;
        return t == T_S32 ? mulwide_s32 : t == T_U32 ? mulwide_u32 : nullptr;
      }
      if (i32t && c2) return !in.hi ? mul32 : t == T_S32 ? mulhis32 : mulhiu32;
      if (i64t && q2 && !in.hi) return mul64;
      return nullptr;
    case O_mad:
    case O_fma:
      if (plain_f32 && c3) return in.ftz ? fmaf_<true> : fmaf_<false>;
      if (carry || in.sat) return nullptr;
      if (in.wide) {
        if (!classes(in, RC_64, {RC_32, RC_32, RC_64})) return nullptr;
        return t == T_S32 ? madwide_s32 : t == T_U32 ? madwide_u32 : nullptr;
      }
      if (i32t && c3 && !in.hi) return mad32;
      if (i64t && q3 && !in.hi) return mad64;
      return nullptr;
    case O_and_:
    case O_or_:
    case O_xor_:
      if (t == T_PRED) return in.src_neg ? nullptr : predop;
      if (B == 32 && c2) return in.op == O_and_ ? and32 : in.op == O_or_ ? or32 : xor32;
      if (B == 64 && q2) return in.op == O_and_ ? and64 : in.op == O_or_ ? or64 : xor64;
      if (B == 16 && classes(in, RC_16, {RC_16, RC_16}))
        return in.op == O_and_ ? and32 : in.op == O_or_ ? or32 : xor32;
      return nullptr;
    case O_not_:
      if (t == T_PRED) return in.src_neg ? nullptr : predop;
      return B == 32 && c1 ? not32 : nullptr;
    case O_neg:
      if (t == T_F32 && !in.ftz && c1) return negf;
      return i32t && c1 ? neg32 : nullptr;
    case O_abs:
      return t == T_F32 && !in.ftz && c1 ? absf : nullptr;
    case O_shl:
      if (B == 32 && c2) return shl32;
      return B == 64 && qs ? shl64 : nullptr;
    case O_shr:
      if (B == 32 && c2) return t == T_S32 ? shrs32 : shru32;
      if (B == 64 && qs) return t == T_S64 ? shrs64 : shru64;
      return nullptr;
    case O_min:
    case O_max: {
      bool mn = in.op == O_min;
      if (in.relu || !c2) return nullptr;
      if (t == T_F32) return in.ftz || in.nan ? nullptr : mn ? minf : maxf;
      if (t == T_S32) return mn ? mins32 : maxs32;
      if (t == T_U32) return mn ? minu32 : maxu32;
      return nullptr;
    }
    case O_lop3:
      return classes(in, RC_32, {RC_32, RC_32, RC_32, RC_32}) && in.s[3].file() == 1 ? lop3 : nullptr;
    case O_shf:
      return c3 && !(in.mode & 2) ? shf_wrap : nullptr;
    case O_selp:
      if (B == 32 && classes(in, RC_32, {RC_32, RC_32, RC_PRED})) return selp32;
      if (B == 16 && classes(in, RC_16, {RC_16, RC_16, RC_PRED})) return selp32;
      if (B == 64 && classes(in, RC_64, {RC_64, RC_64, RC_PRED})) return selp64;
      return nullptr;
    case O_setp: {
      RegClass want = B == 64 ? RC_64 : RC_32;
      if (in.d[0].cls() != RC_PRED || in.s[0].cls() != want || in.s[1].cls() != want) return nullptr;
      switch (t) {
        case T_S32:
          return setp_for<i32>(in.cmp);
        case T_U32:
        case T_B32:
          return setp_for<u32>(in.cmp);
        case T_S64:
          return setp_for<i64>(in.cmp);
        case T_U64:
        case T_B64:
          return setp_for<u64>(in.cmp);
        // For floats a plain C comparison is the ordered one, except "ne", which must also be
        // false for NaN.
        case T_F32:
          return in.ftz || in.cmp == 1 ? nullptr : setp_for<float>(in.cmp);
        default:
          return nullptr;
      }
    }
    case O_cvt: {
      const Type s = in.t2;
      if (in.sat || in.relu || in.ftz) return nullptr;
      const bool rn = in.rnd == RN || in.rnd == RND_NONE;
      const bool c16 = classes(in, RC_16, {RC_32}), from16 = classes(in, RC_32, {RC_16});
      if (i64t && classes(in, RC_64, {RC_32})) {
        if (s == T_S32) return sext_32_64;
        if (s == T_U32) return zext_32_64;
      }
      if (i32t && type_bits(s) == 64 && !(s == T_F64) && classes(in, RC_32, {RC_64})) return trunc_64_32;
      if (t == T_U16 && (s == T_U32 || s == T_S32) && c16) return trunc_16;
      if (t == T_U32 && s == T_U16 && from16) return mov32;
      if (t == T_F32 && s == T_S32 && rn && c1) return cvt_f32_s32;
      if (t == T_F32 && s == T_U32 && rn && c1) return cvt_f32_u32;
      if (s == T_F32 && in.rnd == RN) {
        if (t == T_BF16X2 && c2) return cvt_bf16x2;
        if (t == T_F16X2 && c2) return cvt_f16x2;
        if (t == T_BF16 && c16) return cvt_bf16;
        if (t == T_F16 && c16) return cvt_f16;
      }
      if (t == T_F32 && in.rnd == RND_NONE && from16) {
        if (s == T_BF16) return cvt_f32_bf16;
        if (s == T_F16) return cvt_f32_f16;
      }
      if (t == T_TF32 && s == T_F32 && in.rnd == RNA && c1) return cvt_tf32_rna;
      return nullptr;
    }
    default:
      return nullptr;
  }
}

}  // namespace ptxi
