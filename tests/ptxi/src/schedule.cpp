// Running a warp.
//
// A warp runs the group of lanes with the smallest instruction index; it goes on until the group
// branches apart, blocks, or reaches the index of other runnable lanes, with which it then merges.
// Lanes that meet a warp-wide operation (or an aligned barrier) before the others are parked until
// the others arrive; at a bar.warp.sync, in this one or in another with the same mask.

#include <algorithm>

#include "handlers.h"

namespace ptxi {

static bool warp_barrier(const Instruction& in) {
  return in.op == O_bar && in.mode == 1;
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
}

static void warn_of_exited(Block& b, Warp& w, const Instruction& in, u32 mask, int l) {
  if (mask & ~w.alive & (w.id * 32 + 32 <= b.nthreads ? ~0u : 0))
    b.warn(in, "the member mask names lanes that have exited", &w, l);
}

// Lanes `m` reach a bar.warp.sync at `pc`. Returns those, of any, that go on.
static u32 arrive_in_warp(Block& b, Warp& w, const Instruction& in, int pc, u32 m) {
  FOR_LANES(l, m) w.pc[l] = pc;
  w.parked |= m;
  u32 left = 0;
  FOR_LANES(l, m) {
    const u32 mask = member_mask(w, in, l);
    if (!(mask >> l & 1))
      b.err(in, E_ILLEGAL_INSTRUCTION, "the executing lane is not in its member mask", &w, l);
    if (left >> l & 1) continue;
    const u32 lanes = at_warp_barrier(w, mask);
    if (mask & w.alive & ~lanes) continue;
    warn_of_exited(b, w, in, mask, l);
    leave_warp_barrier(b, w, in, lanes);
    left |= lanes;
  }
  return left;
}

// Where nothing else of the warp can go on: lanes parked at a bar.warp.sync that have other masks than those
// they wait for there. True if there are such; they are reported and go on.
static bool different_masks(Block& b, Warp& w) {
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

// Whether lanes parked at a warp-wide operation have to wait for other lanes that are still alive.
static bool waits_for_others(Warp& w, const Instruction& in, u32 grp) {
  if (warp_barrier(in)) {
    FOR_LANES(l, grp) {
      const u32 mask = member_mask(w, in, l);
      if (!(mask & w.alive & ~at_warp_barrier(w, mask))) return false;
    }
    return true;
  }
  if (grp == w.alive) return false;
  if (full_warp_op(in)) return true;
  FOR_LANES(l, grp) if (member_mask(w, in, l) & w.alive & ~grp) return true;
  return false;
}

// Run the warp until nothing can go on or the quantum is used up.
bool Block::step_warp(Warp& w, u64 quantum) {
  const Instruction* const code = k.code.data();
  bool progress = false;
  // PTXI_SHARED=2: only bar.warp.sync orders the memory accesses of lanes.
  const bool order_by_any_warp_op = ordered && options().shared_check < 2;
  const u64 stop_at = quantum ? steps + quantum : ~0ull;
  while (true) {
    u32 run = w.alive & ~w.at_barrier & ~w.parked;
    if (!run) {
      if (!w.parked) break;
      // Everybody else in the warp is waiting at a barrier or parked too. Lanes parked at an
      // aligned barrier will never be joined by the others: the barrier is divergent.
      bool moved = false;
      for (u32 left = w.parked; left;) {
        int l = __builtin_ctz(left), pc = w.pc[l];
        u32 grp = 0;
        FOR_LANES(x, w.parked) if (w.pc[x] == pc) grp |= 1u << x;
        left &= ~grp;
        const Instruction& in = code[pc];
        if (in.op != O_bar || warp_barrier(in)) {
          // The lanes that this operation waits for may have exited since.
          if (!waits_for_others(w, in, grp)) {
            w.parked &= ~grp;
            moved = true;
          }
          continue;
        }
        warn(in, "divergent barrier: only a part of the warp reaches this aligned barrier", &w, l);
        w.parked &= ~grp;
        w.passed = 0;
        u32 m = in.pred < 0 ? grp : grp & (in.pred_neg ? ~w.file[0][in.pred] : w.file[0][in.pred]);
        FOR_LANES(x, grp & ~m) w.pc[x] = pc + 1;
        if (m) arrive(w, in, pc, m);
        check_barriers();
        moved = true;
      }
      if (!moved && !different_masks(*this, w)) break;
      progress = true;
      continue;
    }
    if (steps >= stop_at) return true;

    // Choose a group: the smallest index, now and then the largest, so that spinning lanes cannot
    // starve the lanes they wait for.
    int pc = INT32_MAX, limit = INT32_MAX, high = -1;
    FOR_LANES(l, run) {
      pc = std::min(pc, w.pc[l]);
      high = std::max(high, w.pc[l]);
    }
    if (high != pc && (++w.turns & 4095) == 4095) pc = high;
    u32 grp = 0;
    FOR_LANES(l, w.alive & ~w.at_barrier) {
      if (w.pc[l] == pc)
        grp |= 1u << l;
      else if (w.pc[l] > pc)
        limit = std::min(limit, w.pc[l]);
    }
    w.parked &= ~grp;
    const bool together = grp == w.alive;

    while (true) {
      if (pc >= limit) {  // reached other lanes: merge
        FOR_LANES(l, grp) w.pc[l] = pc;
        break;
      }
      const Instruction& in = code[pc];
      u32 m = grp;
      if (in.pred >= 0) {
        u32 p = w.file[0][in.pred];
        m &= in.pred_neg ? ~p : p;
      }
      steps++;
      if (counting && m) {
        Counters& c = counters_of(in);
        c.warp_inst[in.cls]++;
        c.thread_inst[in.cls] += (u64)__builtin_popcount(m);
      }
      if (w.parked && w.parked_bar >= 0 && pc > w.parked_bar && in.fn) w.passed |= m;

      if (in.fn && !full_warp_op(in) && !masked_warp_op(in)) {  // the ordinary case
        if (m) in.fn(w, in, m);
        pc++;
        progress = true;
        continue;
      }
      if (in.op == O_bra) {
        progress = true;
        if (counting && m) {
          counters_of(in).branches++;
          if (m != grp) counters_of(in).divergent_branches++;
        }
        if (m == 0) {
          pc++;
          continue;
        }
        if (m == grp) {
          bool back = in.target <= pc;
          pc = in.target;
          if (steps > last_step)
            err(in, E_LAUNCH_TIMEOUT, "step limit reached (PTXI_MAX_STEPS)", &w, __builtin_ctz(grp));
          if (back && (steps >= stop_at || !together)) {
            FOR_LANES(l, grp) w.pc[l] = pc;
            break;
          }
          continue;
        }
        FOR_LANES(l, grp) w.pc[l] = m >> l & 1 ? in.target : pc + 1;
        break;
      }
      if (in.op == O_brx) {
        progress = true;
        const auto& table = k.tables[in.target];
        FOR_LANES(l, grp) {
          w.pc[l] = pc + 1;
          if (!(m >> l & 1)) continue;
          u32 i = (u32)w.get(in.s[0], l);
          if (i >= table.size()) err(in, E_ILLEGAL_ADDRESS, "branch table index out of range", &w, l);
          w.pc[l] = table[i];
        }
        if (counting && m) counters_of(in).branches++;
        break;
      }
      if (in.op == O_exit || in.op == O_ret) {
        progress = true;
        if (w.copies) FOR_LANES(l, m) {
            for (auto& q : w.groups[l]) flush_copies(w, l, in, q);
            w.groups[l].clear();
            flush_copies(w, l, in, w.open[l]);
          }
        if (w.passed & m && w.parked_bar >= 0) {
          const Instruction& bar = code[w.parked_bar];
          int l = __builtin_ctz(w.passed & m);
          warn(bar,
               "divergent barrier: this thread went past the barrier at which other threads of its "
               "warp wait",
               &w, l);
        }
        w.alive &= ~m;
        w.passed &= ~m;
        FOR_LANES(l, grp & ~m) w.pc[l] = pc + 1;
        check_barriers();
        break;
      }
      if (m == 0) {
        pc++;
        continue;
      }
      auto park = [&] {
        FOR_LANES(l, grp) w.pc[l] = pc;
        w.parked |= grp;
      };
      if (warp_barrier(in)) {
        FOR_LANES(l, grp & ~m) w.pc[l] = pc + 1;
        const u32 left = arrive_in_warp(*this, w, in, pc, m);
        progress |= left != 0;
        if (left != grp) break;
        pc++;
        continue;
      }
      if (in.op == O_bar) {
        if (in.aligned && grp != w.alive) {
          park();
          w.parked_bar = pc;
          w.passed &= ~grp;
          break;
        }
        w.parked_bar = -1;
        w.passed = 0;
        if (in.aligned && m != grp)
          warn(in, "divergent barrier: predicated off for a part of the warp", &w, __builtin_ctz(grp & ~m));
        FOR_LANES(l, grp & ~m) w.pc[l] = pc + 1;
        arrive(w, in, pc, m);
        check_barriers();
        progress = true;
        break;
      }
      if (full_warp_op(in)) {
        if (m != w.alive) {
          if (grp == w.alive)
            err(in, E_ILLEGAL_INSTRUCTION, "warp-wide instruction predicated off for a part of the warp", &w,
                __builtin_ctz(grp & ~m));
          park();
          break;
        }
        if (w.alive != ~0u)
          err(in, E_ILLEGAL_INSTRUCTION, "warp-wide instruction after lanes have exited", &w,
              __builtin_ctz(m));
        in.fn(w, in, m);
        if (order_by_any_warp_op) order_lanes(w, m);
      } else {  // shfl, vote, match, redux with a member mask
        bool wait = false;
        u32 rest = m;
        FOR_LANES(l, m) {
          const u32 mk = member_mask(w, in, l);
          if (!(mk >> l & 1))
            err(in, E_ILLEGAL_INSTRUCTION, "the executing lane is not in its member mask", &w, l);
          if (mk & w.alive & ~m) wait = true;
        }
        if (wait) {
          if (grp == w.alive)
            err(in, E_ILLEGAL_INSTRUCTION, "lanes of the member mask do not execute this instruction", &w,
                __builtin_ctz(grp & ~m));
          park();
          break;
        }
        while (rest) {  // lanes may carry disjoint masks: one sub-group at a time
          const int l = __builtin_ctz(rest);
          const u32 full = member_mask(w, in, l), mk = full & m;
          u32 sub = 0;
          FOR_LANES(x, mk) if ((member_mask(w, in, x) & m) == mk) sub |= 1u << x;
          if (sub != mk) warn(in, "lanes of one group execute this with different member masks", &w, l);
          warn_of_exited(*this, w, in, full, l);
          in.fn(w, in, sub);
          if (order_by_any_warp_op) order_lanes(w, sub);
          rest &= ~sub;
        }
      }
      progress = true;
      pc++;
    }
  }
  return progress;
}

}  // namespace ptxi
