// Barriers of a block.

#include "block.h"

namespace ptxi {

int Block::alive_threads() {
  int n = 0;
  for (auto& w : warps) n += __builtin_popcount(w.alive);
  return n;
}

void Block::release(Barrier& bar) {
  if (bar.red)
    for (auto& x : bar.waiting) {
      Warp& w = *x.first;
      const u64 v = bar.red == 1 ? (u64)bar.red_count : bar.red == 2 ? bar.red_all : bar.red_any;
      FOR_LANES(l, x.second) w.set(k.code[w.pc[l]].d[0], l, v);
    }
  for (auto& x : bar.waiting) {
    x.first->at_barrier &= ~x.second;
    FOR_LANES(l, x.second) x.first->pc[l]++;
  }
  if (ordered) {
    // What a warp, or a part of one, did that has exited is not ordered by the barrier of the others.
    const u32 everyone = ~0u >> (32 - warps.size());
    const bool all_here = bar.warps == everyone && warps[0].known.size() == warps.size();
    const bool full = bar.arrived >= alive_threads() && bar.arrivals.known.empty() && all_here;
    order_warps(bar.warps, bar.arrivals, full);
  }
  bar = Barrier();
}

// With a count, a warp arrives as one, once all lanes that have not exited do, and counts as 32 threads.
void Block::arrive_as_warps(Barrier& bar) {
  for (const Warp& w : warps) {
    u32& lanes = bar.lanes[w.id];
    if (!lanes || w.alive & ~lanes) continue;
    bar.arrived += 32;
    lanes = 0;
  }
}

bool Block::check_barriers() {
  bool any = false;
  for (auto& bar : bars) {
    if (bar.pc < 0) continue;
    if (bar.expected >= 0) arrive_as_warps(bar);
    if (bar.arrived >= (bar.expected >= 0 ? bar.expected : alive_threads())) {
      release(bar);
      any = true;
    }
  }
  return any;
}

// Lanes `m` of the warp reach a block barrier at `pc`.
void Block::arrive(Warp& w, const Instruction& in, int pc, u32 m) {
  const int l0 = __builtin_ctz(m);
  int id = 0, count = -1;
  Ref pop;
  if (in.mode == 3) {  // red: id [, count], predicate
    id = (int)w.get(in.s[0], l0);
    if (in.ns > 2) count = (int)w.get(in.s[1], l0);
    pop = in.s[in.ns - 1];
  } else if (in.ns > 0) {
    id = (int)w.get(in.s[0], l0);
    if (in.ns > 1) count = (int)w.get(in.s[1], l0);
  }
  if (id < 0 || id > 15)
    err(in, E_ILLEGAL_INSTRUCTION, "there is no barrier " + std::to_string(id) + ", the last is 15", &w, l0);
  if (count == 0) count = -1;  // as if there were none
  Barrier& bar = bars[id];
  if (count >= 0) {
    if (count % 32)
      err(in, E_LAUNCH_FAILURE, "barrier thread count is not a multiple of the warp size", &w, l0);
    if (bar.expected >= 0 && bar.expected != count)
      warn(in, "barrier " + std::to_string(id) + " used with different thread counts", &w, l0);
    bar.expected = count;
  }
  if (bar.pc >= 0 && bar.pc != pc && count < 0 && bar.plain && in.mode != 2)
    warn(in,
         "threads of the block wait for the same barrier in different places (the other is PTX "
         "line " +
             std::to_string(k.loc[bar.pc].line) + ")",
         &w, l0);
  if (bar.pc < 0) bar.pc = pc;
  if (count >= 0 || in.mode == 2) bar.plain = false;
  if (bar.expected >= 0)
    bar.lanes[w.id] |= m;
  else
    bar.arrived += __builtin_popcount(m);
  FOR_LANES(l, m) {
    if (in.mode == 2) {
      w.pc[l] = pc + 1;
      continue;
    }
    w.pc[l] = pc;
    if (in.mode == 3) {
      bool p = (w.get(pop, l) & 1) ^ in.src_neg;
      bar.red = in.n;
      bar.red_count += p;
      bar.red_all &= p;
      bar.red_any |= p;
    }
  }
  if (in.mode != 2) {
    w.at_barrier |= m;
    bar.waiting.push_back({&w, m});
    bar.warps |= 1u << w.id;
  } else if (ordered) {
    order_arrival(w, bar.arrivals);
  }
  if (counting) counters_of(in).barriers++;
}

}  // namespace ptxi
