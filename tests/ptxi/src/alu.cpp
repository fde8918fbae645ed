// Arithmetic, lane by lane: the reference semantics of every arithmetic instruction. The common
// cases have a vectorised version in vector_*.cpp; PTXI_FAST=0 turns those off.

#include "alu.h"

namespace ptxi {

namespace {

u64 eval_cvta(Warp& w, const Instruction& in, u64 a) {
  const u64 base = in.sp == SP_SHARED  ? kSharedWindow
                   : in.sp == SP_LOCAL ? kLocalWindow
                   : in.sp == SP_PARAM ? kParamWindow
                                       : 0;
  if (!in.to) return a + base;
  if (base && a >> 56 != base >> 56)
    w.block->err(in, E_ILLEGAL_ADDRESS, "cvta.to of an address in another space", &w, 0);
  return a - base;
}

bool eval_isspacep(const Instruction& in, u64 a) {
  const u64 window = a >> 56;
  return in.sp == SP_SHARED  ? window == 1
         : in.sp == SP_LOCAL ? window == 2
                             : in.sp == SP_GLOBAL && window == 0;
}

u64 eval(Warp& w, const Instruction& in, u64 a, u64 b, u64 c, u64 e, u64& carry, u64& second) {
  const Type t = in.t;
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
    case O_mul24:
    case O_mad24:
    case O_sad:
    case O_dp4a:
    case O_dp2a:
    case O_vabsdiff2:
    case O_vabsdiff4:
    case O_div:
    case O_rem:
    case O_min:
    case O_max:
    case O_abs:
    case O_neg:
      if (t == T_F32) return eval_f32(in, a, b, c);
      if (t == T_F64) return eval_f64(in, a, b, c);
      return eval_integer(in, a, b, c, carry);
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
    case O_fns:
      return eval_bits(in, a, b, c, e);
    case O_setp:
    case O_set:
      return eval_comparison(in, a, b, c, second);
    case O_selp:
      return (c & 1) ^ in.src_neg ? a : b;
    case O_slct:
      return (in.t2 == T_F32 ? u2f((u32)c) >= 0 : (i32)c >= 0) ? a : b;
    case O_cvt:
      return t == T_F16X2 || t == T_BF16X2 ? convert_pair(w, in, a, b) : convert(w, in, a);
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
      const u64 sign = 1ull << (type_bits(t) - 1);
      return (b & ~sign) | (a & sign);
    }
    case O_cvta:
      return eval_cvta(w, in, a);
    case O_isspacep:
      return eval_isspacep(in, a);
    case O_createpolicy:
      return 0;
    default:
      w.block->err(in, E_ILLEGAL_INSTRUCTION, "unsupported instruction", &w, 0);
  }
}

void unpack(Warp& w, const Instruction& in, u32 m) {
  const int bits = type_bits(in.t) / in.nd;
  FOR_LANES(l, m) {
    const u64 v = w.get(in.s[0], l);
    for (int i = 0; i < in.nd; i++) w.set(in.d[i], l, zero_extend(v >> (i * bits), bits));
  }
}

void pack(Warp& w, const Instruction& in, u32 m) {
  const int bits = type_bits(in.t) / in.ns;
  FOR_LANES(l, m) {
    u64 v = 0;
    for (int i = 0; i < in.ns; i++) v |= zero_extend(w.get(in.s[i], l), bits) << (i * bits);
    w.set(in.d[0], l, v);
  }
}

// Other operations on halves are done like those on bits.
bool half_arithmetic(const Instruction& in) {
  return is_half(in.t) && in.op != O_mov && in.op != O_cvt && in.op != O_setp && in.op != O_set &&
         in.op != O_selp && in.op != O_testp && in.op != O_copysign;
}

// Results narrower than the register are zero-extended, except signed conversions, which fill the register
// with the sign.
bool zero_extended(const Instruction& in) {
  if (in.op == O_cvt) return !is_signed(in.t);
  return in.op != O_setp && in.op != O_testp && in.op != O_isspacep && in.op != O_popc && in.op != O_clz &&
         in.op != O_bfind && !in.wide;
}

}  // namespace

void h_generic(Warp& w, const Instruction& in, u32 m) {
  if (in.op == O_mov && in.nd > 1) return unpack(w, in, m);
  if (in.op == O_mov && in.ns > 1) return pack(w, in, m);
  const bool half = half_arithmetic(in);
  const int bits = zero_extended(in) ? type_bits(in.t) : 64;
  FOR_LANES(l, m) {
    u64 v[4] = {0, 0, 0, 0};
    for (int i = 0; i < in.ns && i < 4; i++) v[i] = w.get(in.s[i], l);
    u64 second = 0;
    const u64 r =
        half ? eval_half(w, in, v[0], v[1], v[2]) : eval(w, in, v[0], v[1], v[2], v[3], w.carry[l], second);
    w.set(in.d[0], l, zero_extend(r, bits));
    if (in.nd > 1) w.set(in.d[1], l, second);
  }
}

}  // namespace ptxi
