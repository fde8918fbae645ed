// Arithmetic of one lane.
#pragma once

#include "alu_float.h"
#include "handlers.h"

namespace ptxi {

// Value `v` of type in.t2 as one of type in.t.
u64 convert(Warp& w, const Instruction& in, u64 v);
// Two f32 as a pair of halves; `a` becomes the upper one.
u64 convert_pair(Warp& w, const Instruction& in, u64 a, u64 b);

u64 eval_integer(const Instruction& in, u64 a, u64 b, u64 c, u64& carry);
u64 eval_f32(const Instruction& in, u64 a, u64 b, u64 c);
u64 eval_f64(const Instruction& in, u64 a, u64 b, u64 c);
u64 eval_half(Warp& w, const Instruction& in, u64 a, u64 b, u64 c);  // f16 and bf16, or a pair of them
u64 eval_bits(const Instruction& in, u64 a, u64 b, u64 c, u64 e);
u64 eval_comparison(const Instruction& in, u64 a, u64 b, u64 c, u64& second);
u64 eval_special(const Instruction& in, u64 a);
bool eval_testp(const Instruction& in, u64 a);

}  // namespace ptxi
