// Scheduling: launches, blocks, warps, divergence and barriers.
//
// A warp runs the group of lanes with the smallest instruction index; it goes on until the group
// branches apart, blocks, or reaches the index of other runnable lanes, with which it then merges.
// Lanes that meet a warp-wide operation (or an aligned barrier) before the others are parked until
// the others arrive.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>
#include <thread>

#include "exec.h"

namespace ptxi {

using std::string;

u64 g_launch_id = 0;

// ---------------------------------------------------------------------------------------------
// Errors
// ---------------------------------------------------------------------------------------------
string Block::where(const Inst& in, const Warp* w, int lane) {
  size_t i = (size_t)(&in - k.code.data());
  char buf[256];
  string s = " | kernel " + k.pretty;
  snprintf(buf, sizeof buf, " | block (%u,%u,%u)", c[0], c[1], c[2]);
  s += buf;
  if (w && lane >= 0) {
    unsigned t = (unsigned)(w->id * 32 + lane);
    snprintf(buf, sizeof buf, " thread (%u,%u,%u) [warp %d lane %d]", t % b[0], t / b[0] % b[1],
             t / b[0] / b[1], w->id, lane);
    s += buf;
  }
  const SrcLoc& loc = k.loc[i];
  s += " | PTX line " + std::to_string(loc.line) + ": " + k.text[i];
  if (loc.src_line) {
    auto f = k.module->files.find(loc.file);
    s += " | " + (f == k.module->files.end() ? string("?") : f->second) + ":" + std::to_string(loc.src_line);
  }
  return s;
}

void Block::err(const Inst& in, int code, const string& what, const Warp* w, int lane) {
  throw Fault(code, what + where(in, w, lane));
}

void Block::warn(const Inst& in, const string& what, const Warp* w, int lane) {
  // One report per kernel, PTX line and kind of problem (its first words, without numbers).
  string kind;
  for (char ch : what) {
    if (isdigit(ch) || kind.size() > 60) break;
    kind += ch;
  }
  report_warning(k.name + std::to_string(&in - k.code.data()) + kind, what + where(in, w, lane));
  if (opt().strict) throw Fault(E_LAUNCH_FAILURE, "(PTXI_STRICT) " + what + where(in, w, lane));
}

// ---------------------------------------------------------------------------------------------
// Blocks
// ---------------------------------------------------------------------------------------------
Block::~Block() {
  free(regs);
}

void Block::start(unsigned x, unsigned y, unsigned z) {
  c[0] = x;
  c[1] = y;
  c[2] = z;
  linear = x + (u64)g[0] * (y + (u64)g[1] * z);
  nthreads = (int)(b[0] * b[1] * b[2]);
  const int nw = (nthreads + 31) / 32;
  shared_total = k.shared_static;
  if (dyn_smem) shared_total = (k.shared_static + 15) / 16 * 16 + dyn_smem;
  shared.assign(shared_total + 16, (u8)opt().fill);
  local.assign((size_t)nw * 32 * k.local_bytes, (u8)opt().fill);
  const size_t need = (size_t)nw * k.file_words * 4 + 64;
  if (need > regs_cap) {
    free(regs);
    regs = (u32*)aligned_alloc(64, (need + 63) / 64 * 64);
    regs_cap = need;
    // Registers that are read before they are written hold this pattern in the first block.
    memset(regs, 0xde, need);
  }
  fenced = false;
  const bool fresh = (int)warps.size() != nw;  // the first block that this object runs
  if (fresh) {
    warps.clear();
    warps.resize(nw);
  }
  for (auto& bar : bars) bar = Barrier();
  order.resize(nw);
  for (int i = 0; i < nw; i++) order[i] = opt().order == 1 ? nw - 1 - i : i;
  for (int i = 0; i < nw; i++) {
    Warp& w = warps[i];
    w.blk = this;
    w.id = i;
    w.file[0] = regs + (size_t)i * k.file_words;
    w.file[1] = k.pool;
    w.alive = 0;
    for (int l = 0; l < 32; l++) {
      w.pc[l] = 0;
      w.carry[l] = 0;
      if (i * 32 + l < nthreads) w.alive |= 1u << l;
      if (fresh || w.copies) {
        w.groups[l].clear();
        w.open[l].clear();
      }
    }
    w.copies = false;
    w.at_barrier = w.parked = w.passed = 0;
    w.parked_bar = -1;
    w.turns = 0;
    for (auto& s : k.sregs) {
      // Registers that do not depend on the block keep their values.
      if (!fresh && s.second != SR_CTX && s.second != SR_CTY && s.second != SR_CTZ) continue;
      for (int l = 0; l < 32; l++) {
        unsigned t = (unsigned)(i * 32 + l);
        u64 v = 0;
        switch (s.second) {
          case SR_TIDX:
            v = t % b[0];
            break;
          case SR_TIDY:
            v = t / b[0] % b[1];
            break;
          case SR_TIDZ:
            v = t / b[0] / b[1];
            break;
          case SR_NTX:
            v = b[0];
            break;
          case SR_NTY:
            v = b[1];
            break;
          case SR_NTZ:
            v = b[2];
            break;
          case SR_CTX:
            v = c[0];
            break;
          case SR_CTY:
            v = c[1];
            break;
          case SR_CTZ:
            v = c[2];
            break;
          case SR_NCX:
            v = g[0];
            break;
          case SR_NCY:
            v = g[1];
            break;
          case SR_NCZ:
            v = g[2];
            break;
          case SR_LANE:
            v = (u64)l;
            break;
          case SR_WARP:
            v = (u64)i;
            break;
          case SR_NWARP:
            v = (u64)nw;
            break;
          case SR_LEQ:
            v = 1u << l;
            break;
          case SR_LLT:
            v = (1u << l) - 1;
            break;
          case SR_LLE:
            v = (2ull << l) - 1;
            break;
          case SR_LGE:
            v = (u32) ~((1u << l) - 1);
            break;
          case SR_LGT:
            v = (u32) ~((2ull << l) - 1);
            break;
          case SR_NSMID:
            v = 1;
            break;
          case SR_DSMEM:
            v = dyn_smem;
            break;
          case SR_TSMEM:
            v = shared_total;
            break;
          case SR_ONE:
            v = 1;
            break;
          case SR_WSZ:
            v = 32;
            break;
          case SR_GRIDWS_HI:
            v = grid_workspace >> 32;
            break;
          case SR_GRIDWS_LO:
            v = (u32)grid_workspace;
            break;
          default:
            v = 0;
        }
        w.set(s.first, l, v);
      }
    }
  }
  if (opt().shared_check) shadow_start();
}

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
  const bool full = bar.arrived >= alive_threads();
  u32 everyone = 0;
  for (auto& w : warps) everyone |= 1u << w.id;
  for (auto& x : bar.waiting) {
    x.first->at_barrier &= ~x.second;
    FOR_LANES(l, x.second) x.first->pc[l]++;
  }
  if (opt().shared_check) {
    if (full)
      shadow_barrier(everyone, everyone, true);
    else
      shadow_barrier(bar.warps, bar.warps | bar.arrivers, false);
  }
  bar = Barrier();
}

bool Block::check_barriers() {
  bool any = false;
  for (auto& bar : bars) {
    if (bar.arrived <= 0) continue;
    if (bar.arrived >= (bar.expected > 0 ? bar.expected : alive_threads())) {
      release(bar);
      any = true;
    }
  }
  return any;
}

// Lanes `m` of the warp reach a block barrier at `pc`.
void Block::arrive(Warp& w, const Inst& in, int pc, u32 m) {
  const int l0 = __builtin_ctz(m);
  int id = 0, count = -1;
  Ref pop;
  if (in.mode == 3) {  // red: id [, count], predicate
    id = (int)w.get(in.s[0], l0) & 15;
    if (in.ns > 2) count = (int)w.get(in.s[1], l0);
    pop = in.s[in.ns - 1];
  } else if (in.ns > 0) {
    id = (int)w.get(in.s[0], l0) & 15;
    if (in.ns > 1) count = (int)w.get(in.s[1], l0);
  }
  Barrier& bar = bars[id];
  if (count >= 0) {
    if (count % 32)
      err(in, E_LAUNCH_FAILURE, "barrier thread count is not a multiple of the warp size", &w, l0);
    if (bar.expected >= 0 && bar.expected != count)
      warn(in, "barrier " + std::to_string(id) + " used with different thread counts", &w, l0);
    bar.expected = count;
  }
  if (bar.arrived > 0 && bar.pc != pc && count < 0 && bar.plain && in.mode != 2)
    warn(in,
         "threads of the block wait for the same barrier in different places (the other is PTX "
         "line " +
             std::to_string(k.loc[bar.pc].line) + ")",
         &w, l0);
  if (bar.arrived == 0) bar.pc = pc;
  if (count >= 0 || in.mode == 2) bar.plain = false;
  FOR_LANES(l, m) {
    bar.arrived++;
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
  }
  (in.mode == 2 ? bar.arrivers : bar.warps) |= 1u << w.id;
  if (counting) cnt.barriers++;
}

// Whether lanes parked at a warp-wide operation have to wait for other lanes that are still alive.
static bool waits_for_others(Warp& w, const Inst& in, u32 grp) {
  if (grp == w.alive) return false;
  if (full_warp_op(in)) return true;
  const Ref mask = in.op == O_bar ? in.s[0] : in.s[in.ns - 1];
  FOR_LANES(l, grp) if ((u32)w.get(mask, l) & w.alive & ~grp) return true;
  return false;
}

// Run the warp until nothing can go on or the quantum is used up.
bool Block::step_warp(Warp& w, u64 quantum) {
  const Inst* const code = k.code.data();
  bool progress = false;
  // PTXI_SHARED=2: only bar.warp.sync orders the memory accesses of lanes.
  const bool order_by_any_warp_op = opt().shared_check == 1;
  const u64 max_steps = opt().max_steps;
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
        const Inst& in = code[pc];
        if (in.op != O_bar || in.mode == 1) {
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
      if (!moved) break;
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
      const Inst& in = code[pc];
      u32 m = grp;
      if (in.pred >= 0) {
        u32 p = w.file[0][in.pred];
        m &= in.pred_neg ? ~p : p;
      }
      steps++;
      if (counting && m) {
        cnt.warp_inst[in.cls]++;
        cnt.thread_inst[in.cls] += (u64)__builtin_popcount(m);
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
          cnt.branches++;
          if (m != grp) cnt.divergent_branches++;
        }
        if (m == 0) {
          pc++;
          continue;
        }
        if (m == grp) {
          bool back = in.target <= pc;
          pc = in.target;
          if (back && (steps >= stop_at || !together)) {
            FOR_LANES(l, grp) w.pc[l] = pc;
            break;
          }
          if (max_steps && steps > max_steps)
            err(in, E_LAUNCH_TIMEOUT, "step limit reached (PTXI_MAX_STEPS)", &w, __builtin_ctz(grp));
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
        if (counting && m) cnt.branches++;
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
          const Inst& bar = code[w.parked_bar];
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
      if (in.op == O_bar && in.mode != 1) {
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
        if (order_by_any_warp_op) shadow_warp_sync(w, m);
      } else {  // shfl, vote, match, redux, bar.warp with a member mask
        const Ref mask = in.op == O_bar ? in.s[0] : in.s[in.ns - 1];
        bool wait = false;
        u32 rest = m;
        FOR_LANES(l, m) {
          u32 mk = (u32)w.get(mask, l);
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
          const u32 full = (u32)w.get(mask, l), mk = full & m;
          u32 sub = 0;
          FOR_LANES(x, mk) if (((u32)w.get(mask, x) & m) == mk) sub |= 1u << x;
          if (sub != mk) warn(in, "lanes of one group execute this with different member masks", &w, l);
          if (full & ~w.alive & (w.id * 32 + 32 <= nthreads ? ~0u : 0))
            warn(in, "the member mask names lanes that have exited", &w, l);
          if (in.fn && in.op != O_bar)
            in.fn(w, in, sub);
          else if (counting)
            cnt.warp_syncs++;
          if (order_by_any_warp_op || (shared_checked && in.op == O_bar)) shadow_warp_sync(w, sub);
          rest &= ~sub;
        }
      }
      progress = true;
      pc++;
    }
  }
  return progress;
}

// True when the block has finished. With a quantum, may return false to let other blocks run.
bool Block::run(u64 quantum) {
  const u64 limit = quantum ? steps + quantum : ~0ull;
  while (true) {
    if (opt().order >= 2) std::shuffle(order.begin(), order.end(), rng);
    bool any = false, progress = false;
    for (int i : order) {
      if (!warps[i].alive) continue;
      any = true;
      // In random order a warp is also interrupted at random.
      u64 q = opt().order >= 2 ? 1 + rng() % 200 : quantum ? quantum : 1u << 20;
      if (step_warp(warps[i], q)) progress = true;
      if (check_barriers()) progress = true;
    }
    if (!any) return true;
    if (!progress) {
      string s = "DEADLOCK: no thread of the block can go on.";
      for (auto& w : warps) {
        if (!w.alive) continue;
        std::map<int, u32> at;
        FOR_LANES(l, w.alive) at[w.pc[l]] |= 1u << l;
        for (auto& p : at) {
          char b2[64];
          snprintf(b2, sizeof b2, " warp %d lanes %08x wait at PTX line %d;", w.id, p.second,
                   k.loc[p.first].line);
          s += b2;
        }
        if (s.size() > 1500) break;
      }
      for (auto& w : warps)
        if (w.alive) {
          int l = __builtin_ctz(w.alive);
          err(k.code[w.pc[l]], E_LAUNCH_TIMEOUT, s, &w, l);
        }
    }
    if (steps >= limit) return false;
  }
}

// ---------------------------------------------------------------------------------------------
// Launch
// ---------------------------------------------------------------------------------------------
void launch(Kernel& k, const LaunchDims& d, const u8* params) {
  g_launch_id++;
  if (opt().race_check) race_start();
  const u64 blocks = (u64)d.grid[0] * d.grid[1] * d.grid[2];
  const bool counting = !opt().counters.empty();
  auto t0 = std::chrono::steady_clock::now();
  std::mutex mutex;
  Counters total;
  std::unique_ptr<Fault> fault;
  std::atomic<bool> stop{false};
  u64 steps = 0;
  Alloc* workspace = nullptr;
  if (d.cooperative) {
    workspace = mem_alloc(64, A_SYMBOL, "grid workspace");
    if (!workspace) throw Fault(E_LAUNCH_OUT_OF_RESOURCES, "no memory for the grid workspace");
    memset(workspace->store, 0, 64);
    mem_mark_init(workspace, 0, 64);
  }
  auto setup = [&](Block& b, u64 seed) {
    memcpy(b.b, d.block, sizeof b.b);
    memcpy(b.g, d.grid, sizeof b.g);
    b.dyn_smem = d.smem;
    b.params = params;
    b.counting = counting;
    b.grid_workspace = workspace ? workspace->base : 0;
    b.rng.seed((unsigned)(opt().seed * 7919 + seed));
  };
  auto start = [&](Block& b, u64 i) {
    if (opt().order) i = blocks - 1 - i;
    b.start((unsigned)(i % d.grid[0]), (unsigned)(i / d.grid[0] % d.grid[1]),
            (unsigned)(i / d.grid[0] / d.grid[1]));
  };
  auto finish = [&](Block& b) {
    std::lock_guard<std::mutex> lock(mutex);
    total.add(b.cnt);
    steps += b.steps;
  };
  if (d.cooperative) {  // all blocks are resident and take turns
    std::vector<std::unique_ptr<Block>> all;
    for (u64 i = 0; i < blocks; i++) {
      all.push_back(std::make_unique<Block>(k));
      setup(*all.back(), i);
      start(*all.back(), i);
    }
    try {
      for (size_t left = all.size(); left;)
        for (auto& b : all) {
          if (!b || !b->run(20000)) continue;
          finish(*b);
          b.reset();
          left--;
        }
    } catch (Fault& f) {
      fault = std::make_unique<Fault>(f);
    }
  } else {
    // Blocks run in parallel only if no result can depend on their order.
    int threads = opt().threads;
    if (k.order_dependent || opt().race_check || opt().order >= 2) threads = 1;
    std::atomic<u64> next{0};
    std::vector<std::thread> pool;
    std::function<void(int)> work = [&](int id) {
      Block b(k);
      setup(b, (u64)id);
      try {
        while (!stop) {
          u64 i = next++;
          if (i >= blocks) break;
          start(b, i);
          b.run(0);
          if (id != 0 || i != 0 || threads < 2) continue;
          // After the first block: helpers, if the rest is worth starting threads for.
          double first = std::chrono::duration<double>(std::chrono::steady_clock::now() - t0).count();
          if (first * (double)(blocks - 1) < 1e-3) continue;
          for (int t = 1; t < threads && (u64)t < blocks; t++) pool.emplace_back(work, t);
        }
      } catch (Fault& f) {
        std::lock_guard<std::mutex> lock(mutex);
        if (!fault) fault = std::make_unique<Fault>(f);
        stop = true;
      }
      finish(b);
    };
    work(0);
    for (auto& t : pool) t.join();
  }
  if (workspace) mem_free(workspace->base, A_SYMBOL);
  double dt = std::chrono::duration<double>(std::chrono::steady_clock::now() - t0).count();
  if (counting) counters_record(k, d, total, dt);
  if (opt().trace)
    fprintf(stderr,
            "[ptxi] launch %llu %s grid (%u,%u,%u) block (%u,%u,%u) smem %llu+%llu: %.3g warp "
            "instructions, %.4f s\n",
            (unsigned long long)g_launch_id, k.pretty.c_str(), d.grid[0], d.grid[1], d.grid[2], d.block[0],
            d.block[1], d.block[2], (unsigned long long)k.shared_static, (unsigned long long)d.smem,
            (double)steps, dt);
  if (fault) throw Fault(*fault);
}

}  // namespace ptxi
