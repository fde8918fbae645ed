// Arithmetic of one lane: roots, exponentials, trigonometry.

#include "alu.h"

namespace ptxi {

u64 eval_special(const Instruction& in, u64 a) {
  const Type t = in.t;
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

}  // namespace ptxi
