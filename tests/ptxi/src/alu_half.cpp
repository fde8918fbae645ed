// Arithmetic of one lane: f16 and bf16, in double precision, rounded once.

#include "alu.h"

namespace ptxi {

static u32 eval_one(Warp& w, const Instruction& in, Type e, u32 x, u32 y, u32 z) {
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
      r = fma_to_odd(a, b, c);
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
  if (in.relu) r = relu(r);
  if (in.sat) r = saturate(r);
  return (u32)round_to(e, r);
}

u64 eval_half(Warp& w, const Instruction& in, u64 a, u64 b, u64 c) {
  const Type e = in.t == T_F16 || in.t == T_F16X2 ? T_F16 : T_BF16;
  const u64 low = eval_one(w, in, e, a & 0xffff, b & 0xffff, c & 0xffff);
  if (in.t == e) return low;
  return low | (u64)eval_one(w, in, e, a >> 16 & 0xffff, b >> 16 & 0xffff, c >> 16 & 0xffff) << 16;
}

}  // namespace ptxi
