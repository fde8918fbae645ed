// Running a warp.
//
// A warp runs the group of lanes with the smallest instruction index; it goes on until the group
// branches apart, blocks, or reaches the index of other runnable lanes, with which it then merges.
// Lanes that meet a warp-wide operation (or an aligned barrier) before the others are parked until
// the others arrive; at a bar.warp.sync, in this one or in another with the same mask.

#include "schedule.h"

#include <algorithm>

#include "handlers.h"

namespace ptxi {
namespace {

u32 predicated(Warp& w, const Instruction& in, u32 group) {
  if (in.pred < 0) return group;
  const u32 p = w.file[0][in.pred];
  return group & (in.pred_neg ? ~p : p);
}

// Lanes parked at an aligned barrier that the rest of the warp will never reach: it waits elsewhere, or has
// exited, which is no fault.
void pass_divergent_barrier(const Step& step) {
  Block& b = step.block;
  Warp& w = step.warp;
  if (step.group != w.alive)
    b.warn(step.in, "divergent barrier: only a part of the warp reaches this aligned barrier", &w,
           __builtin_ctz(step.group));
  w.parked &= ~step.group;
  w.passed = 0;
  FOR_LANES(l, step.group & ~step.lanes) w.pc[l] = step.pc + 1;
  if (step.lanes) b.arrive(w, step.in, step.pc, step.lanes);
  b.check_barriers();
}

// Where all of a warp waits at barriers or is parked: true if a part of it can go on now.
bool unpark(Block& b, Warp& w) {
  if (!w.parked) return false;
  bool moved = false;
  for (u32 left = w.parked; left;) {
    const int pc = w.pc[__builtin_ctz(left)];
    u32 group = 0;
    FOR_LANES(l, w.parked) if (w.pc[l] == pc) group |= 1u << l;
    left &= ~group;
    const Instruction& in = b.k.code[pc];
    if (in.op == O_bar && !warp_barrier(in)) {
      pass_divergent_barrier({b, w, in, pc, group, predicated(w, in, group)});
      moved = true;
    } else if (!waits_for_others(w, in, group)) {  // those that it waited for may have exited since
      w.parked &= ~group;
      moved = true;
    }
  }
  return moved || different_masks(b, w);
}

struct Group {
  int pc, limit;  // limit: the next index at which there are other lanes
  u32 lanes;
};

// Where a warp, or the lanes that a mask names, must come together.
bool meets(const Instruction& in) {
  return in.op == O_bar || full_warp_op(in) || masked_warp_op(in);
}

// Lanes that have parted need not go on together where they come to the same instruction, and in a random
// order they mostly do not.
u32 stay_apart(Block& b, Warp& w, u32 lanes) {
  int first = b.rng() % __builtin_popcount(lanes);
  u64 path = 0;
  FOR_LANES(l, lanes) if (first-- == 0) path = w.path[l];
  const bool together = b.rng() % 4 == 0;
  FOR_LANES(l, lanes) if (!together && w.path[l] != path) lanes &= ~(1u << l);
  return lanes;
}

// Of the indices of lanes beyond the smallest, that after the one which last had its turn.
int next_in_turn(const Warp& w, u32 ready, int smallest) {
  int second = INT32_MAX, next = INT32_MAX;
  FOR_LANES(l, ready) {
    if (w.pc[l] > smallest) second = std::min(second, w.pc[l]);
    if (w.pc[l] > std::max(smallest, w.other)) next = std::min(next, w.pc[l]);
  }
  return next != INT32_MAX ? next : second;
}

// The lanes with the smallest index. Now and then others, each index in its turn, so that spinning lanes
// cannot starve those they wait for. Parked lanes that are at the same index join them.
Group choose_group(Block& b, Warp& w) {
  Group g{INT32_MAX, INT32_MAX, 0};
  const u32 ready = w.alive & ~w.at_barrier & ~w.parked;
  int largest = -1;
  FOR_LANES(l, ready) {
    g.pc = std::min(g.pc, w.pc[l]);
    largest = std::max(largest, w.pc[l]);
  }
  if (largest != g.pc && ++w.turns % (b.k.strong ? 64 : 4096) == 0)
    g.pc = w.other = next_in_turn(w, ready, g.pc);
  FOR_LANES(l, w.alive & ~w.at_barrier) {
    if (w.pc[l] == g.pc)
      g.lanes |= 1u << l;
    else if (w.pc[l] > g.pc)
      g.limit = std::min(g.limit, w.pc[l]);
  }
  w.parked &= ~g.lanes;
  if (options().order >= 2) {
    FOR_LANES(l, w.ran) w.path[l] = b.steps << 32 | (u32)w.pc[l];
    if (!meets(b.k.code[g.pc])) g.lanes = stay_apart(b, w, g.lanes);
    w.ran = g.lanes;
  }
  return g;
}

Outcome branch_by_table(const Step& step) {
  const auto& table = step.block.k.tables[step.in.target];
  FOR_LANES(l, step.group) {
    step.warp.pc[l] = step.pc + 1;
    if (!(step.lanes >> l & 1)) continue;
    const u32 i = (u32)step.warp.get(step.in.s[0], l);
    if (i >= table.size())
      step.block.err(step.in, E_ILLEGAL_ADDRESS, "branch table index out of range", &step.warp, l);
    step.warp.pc[l] = table[i];
  }
  if (step.block.counting && step.lanes) step.block.counters_of(step.in).branches++;
  return SPLIT;
}

Outcome leave(const Step& step) {
  Block& b = step.block;
  Warp& w = step.warp;
  if (w.copies) FOR_LANES(l, step.lanes) {
      for (auto& queue : w.groups[l]) b.flush_copies(w, l, step.in, queue);
      w.groups[l].clear();
      b.flush_copies(w, l, step.in, w.open[l]);
    }
  if (w.passed & step.lanes && w.parked_bar >= 0)
    b.warn(b.k.code[w.parked_bar],
           "divergent barrier: this thread went past the barrier at which other threads of its warp wait", &w,
           __builtin_ctz(w.passed & step.lanes));
  if (b.ordered && step.lanes && step.lanes != w.alive) b.order_exit(w, step.lanes);
  w.alive &= ~step.lanes;
  w.passed &= ~step.lanes;
  FOR_LANES(l, step.group & ~step.lanes) w.pc[l] = step.pc + 1;
  b.check_barriers();
  return SPLIT;
}

Outcome reach_barrier(const Step& step) {
  Block& b = step.block;
  Warp& w = step.warp;
  if (step.in.aligned && step.group != w.alive) {
    w.parked_bar = step.pc;
    w.passed &= ~step.group;
    return park(step);
  }
  w.parked_bar = -1;
  w.passed = 0;
  const u32 off = step.group & ~step.lanes;
  if (step.in.aligned && off)
    b.warn(step.in, "divergent barrier: predicated off for a part of the warp", &w, __builtin_ctz(off));
  FOR_LANES(l, off) w.pc[l] = step.pc + 1;
  b.arrive(w, step.in, step.pc, step.lanes);
  b.check_barriers();
  return SPLIT;
}

// All but what the lanes do each for themselves, and plain branches.
Outcome run_special(const Step& step) {
  const Instruction& in = step.in;
  if (in.op == O_brx) return branch_by_table(step);
  if (in.op == O_exit || in.op == O_ret) return leave(step);
  if (!step.lanes) return ADVANCED;
  if (warp_barrier(in)) return meet_at_warp_barrier(step);
  if (in.op == O_bar) return reach_barrier(step);
  return full_warp_op(in) ? run_full_warp(step) : run_masked(step);
}

}  // namespace

// Until the lanes of a group part, wait, meet others, or have used up the quantum, which ends anywhere in a
// random order, else where they go back in a loop. True if something was executed.
bool Block::run_group(Warp& w, u64 stop_at) {
  const Instruction* const code = k.code.data();
  auto [pc, limit, group] = choose_group(*this, w);
  const bool together = group == w.alive, anywhere = options().order >= 2;
  const auto keep_place = [&, group = group] { FOR_LANES(l, group) w.pc[l] = pc; };
  bool progress = false;
  while (true) {
    if (pc >= limit || (anywhere && progress && steps >= stop_at)) {
      keep_place();
      return progress;
    }
    const Instruction& in = code[pc];
    const u32 lanes = predicated(w, in, group);
    steps++;
    if (counting && lanes) {
      Counters& c = counters_of(in);
      c.warp_inst[in.cls]++;
      c.thread_inst[in.cls] += (u64)__builtin_popcount(lanes);
    }
    if (w.parked && w.parked_bar >= 0 && pc > w.parked_bar && in.fn && beyond_barrier(w.parked_bar, pc))
      w.passed |= lanes;

    if (in.fn && !full_warp_op(in) && !masked_warp_op(in)) {
      if (lanes) in.fn(w, in, lanes);
      pc++;
      progress = true;
    } else if (in.op == O_bra) {
      progress = true;
      if (counting && lanes) {
        counters_of(in).branches++;
        if (lanes != group) counters_of(in).divergent_branches++;
      }
      if (lanes && lanes != group) {
        FOR_LANES(l, group) w.pc[l] = lanes >> l & 1 ? in.target : pc + 1;
        return true;
      }
      const bool back = lanes && in.target <= pc;
      pc = lanes ? in.target : pc + 1;
      if (lanes && steps > last_step)
        err(in, E_LAUNCH_TIMEOUT, "step limit reached (PTXI_MAX_STEPS)", &w, __builtin_ctz(group));
      if (back && (steps >= stop_at || !together)) {
        keep_place();
        return true;
      }
    } else {
      const Outcome outcome = run_special({*this, w, in, pc, group, lanes});
      progress |= outcome != PARKED;
      if (outcome != ADVANCED) return progress;
      pc++;
    }
  }
}

// Until nothing of the warp can go on or the quantum is used up.
bool Block::step_warp(Warp& w, u64 quantum) {
  const u64 stop_at = quantum ? steps + quantum : ~0ull;
  bool progress = false;
  while (true) {
    if (!(w.alive & ~w.at_barrier & ~w.parked)) {
      if (!unpark(*this, w)) return progress;
      progress = true;
      continue;
    }
    if (steps >= stop_at) return true;
    if (run_group(w, stop_at)) progress = true;
  }
}

}  // namespace ptxi
