// Preparing a block to run, its reports, and taking turns between its warps.

#include "block.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "report.h"
#include "special_registers.h"

namespace ptxi {

using std::string;

string Block::where(const Instruction& in, const Warp* w, int lane) {
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
  if (!loc.place.empty()) s += " | " + loc.place;
  if (!loc.caller.empty()) s += ", called at " + loc.caller;
  return s;
}

void Block::err(const Instruction& in, int code, const string& what, const Warp* w, int lane) {
  throw Fault(code, what + where(in, w, lane));
}

void Block::warn(const Instruction& in, const string& what, const Warp* w, int lane) {
  // One report per kernel, PTX line and kind of problem (its first words, without numbers).
  string kind;
  for (char ch : what) {
    if (isdigit(ch) || kind.size() > 60) break;
    kind += ch;
  }
  report_warning(k.name + std::to_string(&in - k.code.data()) + kind, what + where(in, w, lane));
  if (options().strict) throw Fault(E_LAUNCH_FAILURE, "(PTXI_STRICT) " + what + where(in, w, lane));
}

// `fresh`: the first block that this object runs.
void Block::start_warp(int i, bool fresh) {
  Warp& w = warps[i];
  w.block = this;
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
  w.turns = w.other = 0;
  w.ran = w.alive;
  for (const auto& [reg, special] : k.sregs)
    if (fresh || differs_by_block(special))
      for (int l = 0; l < 32; l++) w.set(reg, l, special_value(special, *this, i, l));
}

void Block::start(unsigned x, unsigned y, unsigned z) {
  c[0] = x;
  c[1] = y;
  c[2] = z;
  linear = x + (u64)g[0] * (y + (u64)g[1] * z);
  grid_arrivals = 0;
  nthreads = (int)(b[0] * b[1] * b[2]);
  const int nw = (nthreads + 31) / 32;
  shared_total = dyn_smem ? k.shared_dynamic + dyn_smem : k.shared_arrays;
  shared.assign(shared_total + 16, (u8)options().fill);
  local.assign((size_t)nw * 32 * k.local_bytes, (u8)options().fill);
  // Aligned by hand: what aligned_alloc gives, glibc seldom uses again. Registers that are read before they
  // are written hold this pattern in the first block.
  const size_t need = (size_t)nw * k.file_words * 4 + 64;
  if (need > register_memory.size()) {
    register_memory.assign(need + 64, 0xde);
    regs = (u32*)(((uintptr_t)register_memory.data() + 63) / 64 * 64);
  }
  if (options().max_steps) last_step = steps + options().max_steps;
  const bool fresh = (int)warps.size() != nw;
  if (fresh) {
    warps.clear();
    warps.resize(nw);
  }
  for (auto& bar : bars) bar = Barrier();
  order.resize(nw);
  for (int i = 0; i < nw; i++) order[i] = options().order == 1 ? nw - 1 - i : i;
  for (int i = 0; i < nw; i++) start_warp(i, fresh);
  if (ordered) order_start();
  if (options().shared_check) shadow_start();
}

// True when the block has finished. With a quantum, may return false to let other blocks run.
bool Block::run(u64 quantum) {
  const u64 limit = quantum ? steps + quantum : ~0ull;
  while (true) {
    if (options().order >= 2) std::shuffle(order.begin(), order.end(), rng);
    bool any = false, progress = false;
    for (int i : order) {
      if (!warps[i].alive) continue;
      any = true;
      // In random order a warp is also interrupted at random.
      u64 q = options().order >= 2 ? 1 + rng() % 200 : k.strong ? 4096 : 1u << 20;
      if (quantum) q = std::min(q, quantum);
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

}  // namespace ptxi
