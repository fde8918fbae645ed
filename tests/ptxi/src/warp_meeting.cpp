// Where lanes of a warp meet: bar.warp.sync, and operations of the whole warp or of a member mask.

#include "handlers.h"
#include "schedule.h"

namespace ptxi {

bool warp_barrier(const Instruction& in) {
  return in.op == O_bar && in.mode == 1;
}

Outcome park(const Step& step) {
  FOR_LANES(l, step.group) step.warp.pc[l] = step.pc;
  step.warp.parked |= step.group;
  return PARKED;
}

// The lanes parked at a bar.warp.sync that name just these lanes.
static u32 at_warp_barrier(Warp& w, u32 mask) {
  u32 lanes = 0;
  FOR_LANES(l, w.parked & mask) {
    const Instruction& in = w.block->k.code[w.pc[l]];
    if (warp_barrier(in) && member_mask(w, in, l) == mask) lanes |= 1u << l;
  }
  return lanes;
}

static void leave_warp_barrier(Block& b, Warp& w, const Instruction& in, u32 lanes) {
  if (b.counting) b.counters_of(in).warp_syncs++;
  if (b.ordered) b.order_lanes(w, lanes);
  FOR_LANES(l, lanes) w.pc[l]++;
  w.parked &= ~lanes;
  w.ran |= lanes;
}

// The member mask of lane `l`, which it must be in.
static u32 own_mask(const Step& step, int l) {
  const u32 mask = member_mask(step.warp, step.in, l);
  if (!(mask >> l & 1))
    step.block.err(step.in, E_ILLEGAL_INSTRUCTION, "the executing lane is not in its member mask", &step.warp,
                   l);
  return mask;
}

static void warn_of_exited(const Step& step, u32 mask, int l) {
  const bool whole = step.warp.id * 32 + 32 <= step.block.nthreads;
  if (whole && mask & ~step.warp.alive)
    step.block.warn(step.in, "the member mask names lanes that have exited", &step.warp, l);
}

Outcome meet_at_warp_barrier(const Step& step) {
  Warp& w = step.warp;
  FOR_LANES(l, step.group) w.pc[l] = step.pc + (step.lanes >> l & 1 ? 0 : 1);
  w.parked |= step.lanes;
  u32 left = 0;
  FOR_LANES(l, step.lanes) {
    const u32 mask = own_mask(step, l);
    if (left >> l & 1) continue;
    const u32 lanes = at_warp_barrier(w, mask);
    if (mask & w.alive & ~lanes) continue;
    leave_warp_barrier(step.block, w, step.in, lanes);
    left |= lanes;
  }
  return left == step.group ? ADVANCED : left ? SPLIT : PARKED;
}

bool different_masks(Block& b, Warp& w) {
  u32 waiting = 0;
  FOR_LANES(l, w.parked) if (warp_barrier(b.k.code[w.pc[l]])) waiting |= 1u << l;
  FOR_LANES(l, waiting) {
    const Instruction& in = b.k.code[w.pc[l]];
    const u32 lanes = member_mask(w, in, l) & w.alive;
    if (lanes & ~waiting) continue;
    b.warn(in, "lanes wait for each other in bar.warp.sync with different member masks", &w, l);
    leave_warp_barrier(b, w, in, lanes);
    return true;
  }
  return false;
}

bool waits_for_others(Warp& w, const Instruction& in, u32 group) {
  if (warp_barrier(in)) {
    FOR_LANES(l, group) {
      const u32 mask = member_mask(w, in, l);
      if (!(mask & w.alive & ~at_warp_barrier(w, mask))) return false;
    }
    return true;
  }
  if (group == w.alive) return false;
  if (full_warp_op(in)) return true;
  FOR_LANES(l, group) if (member_mask(w, in, l) & w.alive & ~group) return true;
  return false;
}

static void run_together(const Step& step, u32 lanes) {
  step.in.fn(step.warp, step.in, lanes);
  // PTXI_SHARED=2: only bar.warp.sync orders the memory accesses of lanes.
  if (step.block.ordered && options().shared_check < 2) step.block.order_lanes(step.warp, lanes);
}

Outcome run_full_warp(const Step& step) {
  const Warp& w = step.warp;
  const auto fail = [&](const char* what, u32 lanes) {
    step.block.err(step.in, E_ILLEGAL_INSTRUCTION, what, &w, __builtin_ctz(lanes));
  };
  if (step.lanes != w.alive) {
    if (step.group == w.alive)
      fail("warp-wide instruction predicated off for a part of the warp", step.group & ~step.lanes);
    return park(step);
  }
  if (w.alive != ~0u) fail("warp-wide instruction after lanes have exited", step.lanes);
  run_together(step, step.lanes);
  return ADVANCED;
}

// shfl, vote, match, redux with a member mask. Lanes may carry disjoint masks: one sub-group at a time.
Outcome run_masked(const Step& step) {
  Warp& w = step.warp;
  bool wait = false;
  FOR_LANES(l, step.lanes) if (own_mask(step, l) & w.alive & ~step.lanes) wait = true;
  if (wait && step.group == w.alive)
    step.block.err(step.in, E_ILLEGAL_INSTRUCTION, "lanes of the member mask do not execute this instruction",
                   &w, __builtin_ctz(step.group & ~step.lanes));
  if (wait) return park(step);
  for (u32 rest = step.lanes; rest;) {
    const int l = __builtin_ctz(rest);
    const u32 full = member_mask(w, step.in, l), named = full & step.lanes;
    u32 same = 0;
    FOR_LANES(x, named) if ((member_mask(w, step.in, x) & step.lanes) == named) same |= 1u << x;
    if (same != named)
      step.block.warn(step.in, "lanes of one group execute this with different member masks", &w, l);
    warn_of_exited(step, full, l);
    run_together(step, same);
    rest &= ~same;
  }
  return ADVANCED;
}

}  // namespace ptxi
