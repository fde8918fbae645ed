// A decoded instruction and its operands.
#pragma once

#include "types.h"

namespace ptxi {

// Opcodes; a trailing underscore only avoids a C++ keyword.
// clang-format off
#define PTXI_OPS(X) \
  X(mov) X(cvt) X(cvta) X(ld) X(ldu) X(st) X(add) X(sub) X(mul) X(mad) X(fma) X(div) X(rem) X(min) \
  X(max) X(abs) X(neg) X(and_) X(or_) X(xor_) X(not_) X(cnot) X(shl) X(shr) X(shf) X(lop3) X(prmt) \
  X(bfe) X(bfi) X(brev) X(popc) X(clz) X(bfind) X(setp) X(set) X(selp) X(slct) X(sqrt) X(rsqrt) X(rcp) \
  X(ex2) X(lg2) X(sin) X(cos) X(tanh) X(testp) X(copysign) X(bra) X(ret) X(exit) X(bar) X(barrier) \
  X(membar) X(fence) X(atom) X(red) X(shfl) X(vote) X(match) X(activemask) X(redux) X(elect) X(cp) \
  X(ldmatrix) X(stmatrix) X(movmatrix) X(mma) X(mul24) X(mad24) X(addc) X(subc) X(madc) X(trap) \
  X(brkpt) X(nanosleep) X(prefetch) X(prefetchu) X(discard) X(createpolicy) X(griddepcontrol) \
  X(applypriority) X(isspacep) X(sad) X(szext) X(bmsk) X(dp4a) X(dp2a) X(fns) X(vabsdiff2) \
  X(vabsdiff4) X(pmevent) X(vprintf_) X(assertfail_) X(brx)
// clang-format on
enum Op : u8 {
#define X(n) O_##n,
  PTXI_OPS(X)
#undef X
};

// Rounding modifiers, in the order used by Instruction::rnd.
enum Rnd : u8 { RND_NONE, RN, RZ, RM, RP, RNI, RZI, RMI, RPI, RNA };

// Modes of prmt.
enum PrmtMode : u8 { PRMT_GENERIC, PRMT_F4E, PRMT_B4E, PRMT_RC8, PRMT_ECL, PRMT_ECR, PRMT_RC16 };

// Classes used by the instruction counters.
enum InstClass : u8 {
  C_FP32,
  C_FP64,
  C_HALF,
  C_INT,
  C_CVT,
  C_MOV,
  C_SFU,
  C_LDST,
  C_BRANCH,
  C_MMA,
  C_OTHER,
  C_COUNT
};
extern const char* const kClassName[C_COUNT];

// An operand: a location in one of the two register files of a warp. File 0 is the warp's own;
// file 1 holds the kernel's constants, replicated for 32 lanes. A 32-bit register is 32
// consecutive words, a 64-bit one 64 words, a predicate one word with a bit per lane.
enum RegClass : u8 { RC_PRED = 0, RC_16 = 1, RC_32 = 2, RC_64 = 3 };
struct Ref {
  u32 v = 0;
  Ref() = default;
  Ref(u32 word, RegClass c, bool pool) : v(word << 3 | c << 1 | (pool ? 1 : 0)) {}
  u32 word() const { return v >> 3; }
  RegClass cls() const { return RegClass(v >> 1 & 3); }
  unsigned file() const { return v & 1; }
};

struct Warp;
struct Instruction;
using Handler = void (*)(Warp&, const Instruction&, u32 mask);

struct Instruction {
  Handler fn = nullptr;  // executes the instruction for the lanes in the mask
  i64 off = 0, off2 = 0;
  Op op = O_mov;
  Type t = T_NONE, t2 = T_NONE;
  Space sp = SP_GENERIC;
  InstClass cls = C_OTHER;
  u8 vec = 1, cmp = 0, bop = 0, rnd = 0, mode = 0;  // mode: meaning depends on the opcode
  u8 nd = 0, ns = 0;
  bool ftz = false, sat = false, wide = false, hi = false, to = false, nan = false, relu = false;
  bool carry_out = false, carry_in = false, aligned = false;
  bool pred_neg = false;  // @!p
  bool src_neg = false;   // !p as a source predicate
  bool is_volatile = false;
  AccessKind access = WEAK;
  bool acquire = false, release = false;
  bool sc = false;  // fence.sc, membar
  Scope scope = ON_DEVICE;
  bool mask_short = false;  // its member mask lacks the highest lane (PTXI_MUTATE)
  i32 pred = -1;            // word of the guard predicate, or -1
  Ref base, base2, d[8], s[16];
  i32 target = -1;  // branch target (instruction index), or index into Kernel::tables for brx
  i32 n = 0, k = 0;
};

}  // namespace ptxi
