// Chooses what executes an instruction; and the instructions that do next to nothing.

#include "handlers.h"

#include "vector_alu.h"

namespace ptxi {

void h_trap(Warp& w, const Instruction& in, u32 m) {
  w.block->err(in, E_LAUNCH_FAILURE, "trap", &w, __builtin_ctz(m));
}

void h_fence(Warp& w, const Instruction& in, u32 m) {
  if (w.block->fences_followed) w.block->fence(w, in, m);
  if (w.block->counting) w.block->counters_of(in).fences++;
}

void h_nop(Warp&, const Instruction&, u32) {}

void select_handler(Instruction& in) {
  switch (in.op) {
    case O_ld:
    case O_ldu:
      in.fn = h_ld;
      return;
    case O_st:
      in.fn = h_st;
      return;
    case O_atom:
    case O_red:
      in.fn = h_atom;
      return;
    case O_cp:
      in.fn = h_cp_async;
      return;
    case O_ldmatrix:
      in.fn = h_ldmatrix;
      return;
    case O_stmatrix:
      in.fn = h_stmatrix;
      return;
    case O_movmatrix:
      in.fn = h_movmatrix;
      return;
    case O_mma:
      in.fn = h_mma;
      return;
    case O_shfl:
      in.fn = h_shfl;
      return;
    case O_vote:
      in.fn = h_vote;
      return;
    case O_match:
      in.fn = h_match;
      return;
    case O_redux:
      in.fn = h_redux;
      return;
    case O_elect:
      in.fn = h_elect;
      return;
    case O_activemask:
      in.fn = h_activemask;
      return;
    case O_vprintf_:
      in.fn = h_printf;
      return;
    case O_assertfail_:
      in.fn = h_assert;
      return;
    case O_trap:
      in.fn = h_trap;
      return;
    case O_membar:
    case O_fence:
      in.fn = h_fence;
      return;
    case O_brkpt:
    case O_nanosleep:
    case O_prefetch:
    case O_prefetchu:
    case O_discard:
    case O_griddepcontrol:
    case O_applypriority:
    case O_pmevent:
      in.fn = h_nop;
      return;
    case O_bra:
    case O_brx:
    case O_ret:
    case O_exit:
    case O_bar:
      return;  // scheduler
    default:
      in.fn = options().fast ? vector_handler(in) : nullptr;
      if (!in.fn) in.fn = h_generic;
  }
}

}  // namespace ptxi
