// Checks of global memory: bytes never written (PTXI_INIT), conflicting accesses without an order
// (PTXI_RACE).

#include <algorithm>
#include <cstring>
#include <map>

#include "block.h"

namespace ptxi {

using std::string;

// ---------------------------------------------------------------------------------------------
// Order between blocks created by fences and atomics (cross-block race check). A block that does
// an atomic on an address, with a fence before or after it or acquire/release semantics, knows everything the
// blocks did that came to that address before it, with a fence before or release semantics.
// ---------------------------------------------------------------------------------------------
u32 g_race_base = 0;
static u32 g_race_time = 1;
static std::map<u64, std::map<u32, u64>> g_sync;          // address: block, time of its atomic
static std::map<u32, std::map<u32, u64>> g_known_blocks;  // block: block, time
static std::map<u32, std::map<u32, u64>> g_met_blocks;    // the same, once the block has fenced

u64 race_now() {
  return g_race_time;
}
void race_start() {
  g_race_base = g_race_time;
  g_race_time++;
  g_sync.clear();
  g_known_blocks.clear();
  g_met_blocks.clear();
}
static void learn(std::map<u32, u64>& known, const std::map<u32, u64>& more) {
  for (auto& p : more) {
    u64& t = known[p.first];
    t = std::max(t, p.second);
  }
}
void race_meet(u64 addr, u32 block) {
  if (auto met = g_sync.find(addr); met != g_sync.end()) learn(g_met_blocks[block], met->second);
}
void race_fence(u32 block) {
  learn(g_known_blocks[block], g_met_blocks[block]);
  g_met_blocks[block].clear();
}
void race_acquire(u64 addr, u32 block) {
  learn(g_known_blocks[block], g_sync[addr]);
}
void race_sync(u64 addr, u32 block) {
  race_acquire(addr, block);
  learn(g_sync[addr], g_known_blocks[block]);  // what this block knows travels on with it
  g_sync[addr][block] = g_race_time++;
}
bool race_ordered(u32 from, u64 time, u32 to) {
  auto i = g_known_blocks.find(to);
  if (i == g_known_blocks.end()) return false;
  auto j = i->second.find(from);
  return j != i->second.end() && j->second >= time;
}

namespace {

bool live(const RaceAccess& a) {
  return a.block && a.time > g_race_base;  // of this launch
}

// The newest access comes first, then the newest of another warp.
void record(RaceAccess (&slots)[2], const RaceAccess& access) {
  if (slots[0].block != access.block || slots[0].warp != access.warp) slots[1] = slots[0];
  slots[0] = access;
}

bool reads(const Instruction& in, bool write) {
  return !write || in.op == O_atom || in.op == O_red;
}

}  // namespace

// Whether `lane` of `w` knows that the access is over. Barriers order what is in one block, and are
// followed only with the checks of shared memory.
bool Block::global_ordered(const RaceAccess& a, Warp& w, int lane) {
  if (a.block != (u32)linear + 1) return race_ordered(a.block - 1, a.time, (u32)linear);
  if (!shared_checked) return true;
  if (a.warp != w.id) return a.clock <= w.known[a.warp];
  return lane_ordered(w, a.clock, a.lane, lane);
}

void Block::check_init(Warp& w, int l, const Instruction& in, Alloc* al, u64 a, unsigned n, bool write) {
  u8* written = al->init + (a - al->base);
  if (reads(in, write) && memchr(written, 0, n))
    warn(in, "read of uninitialised global memory at " + mem_describe(a), &w, l);
  if (write) memset(written, 1, n);
}

void Block::report_race(Warp& w, int l, const Instruction& in, u64 a, bool write, const RaceAccess& other,
                        bool other_writes) {
  const string what = string(write ? "write" : "read") + " of " + mem_describe(a) + " after a " +
                      (other_writes ? "write" : "read");
  const bool elsewhere = other.block != (u32)linear + 1;
  if (in.read_only || other.read_only)
    warn(in, "ld.global.nc of memory that the same launch writes: " + what, &w, l);
  else if (elsewhere)
    warn(in,
         "global-memory race: " + what + " by block " + std::to_string(other.block - 1) +
             " of the same launch",
         &w, l);
  else if (other.warp != w.id)
    warn(in,
         "global-memory race between warps: " + what + " by warp " + std::to_string(other.warp) +
             " without a barrier",
         &w, l);
  else
    warn(in,
         "global-memory race within a warp: " + what + " by lane " + std::to_string(other.lane) +
             " without a warp synchronisation",
         &w, l);
}

void Block::check_race(Warp& w, int l, const Instruction& in, Alloc* al, u64 a, unsigned n, bool write,
                       bool strong) {
  const RaceAccess me{(u32)linear + 1, (u32)race_now(), sh.now, (u8)w.id, (u8)l, strong, in.read_only};
  const int shift = __builtin_ctz((unsigned)k.global_granule);
  const u64 o = a - al->base;
  bool told = false;
  // Of two accesses one of which writes.
  const auto check = [&](const RaceAccess& other, bool other_writes) {
    if (told || !live(other)) return;
    const bool nc = in.read_only || other.read_only;
    if (!nc && ((strong && other.strong) || global_ordered(other, w, l))) return;
    report_race(w, l, in, a, write, other, other_writes);
    told = true;
  };
  for (u64 i = o >> shift; i <= (o + n - 1) >> shift; i++) {
    RaceCell& c = al->race[i];
    if (live(c.write[0]))
      for (const RaceAccess& other : c.write) check(other, true);
    if (write) {
      if (live(c.read[0])) {
        for (const RaceAccess& other : c.read) check(other, false);
        if (c.read[0].block == me.block && c.read[0].warp == me.warp) FOR_LANES(r, c.read_lanes) {
            RaceAccess lane = c.read[0];
            lane.lane = (u8)r;
            check(lane, false);
          }
      }
      record(c.write, me);
    }
    if (reads(in, write) && !(write && strong)) {
      const RaceAccess& last = c.read[0];
      const bool go_on =
          last.block == me.block && last.warp == me.warp && live(last) && last.clock > w.full_sync;
      c.read_lanes = (go_on ? c.read_lanes : 0) | 1u << l;
      record(c.read, me);
    }
  }
}

// All checks of one lane's access.
void Block::global_checks(Warp& w, int l, const Instruction& in, Alloc* al, u64 a, unsigned n, bool write,
                          bool strong) {
  if (al->init) check_init(w, l, in, al, a, n, write);
  if (!al->race) return;
  // A volatile access may wait for another block's flag.
  const bool synchronises = in.acq_rel || (fenced && in.is_volatile);
  if (synchronises && in.op == O_st) race_sync(a, (u32)linear);
  check_race(w, l, in, al, a, n, write, strong || in.is_volatile);
  if (in.op != O_ld) return;
  if (synchronises)
    race_acquire(a, (u32)linear);
  else if (in.is_volatile)
    race_meet(a, (u32)linear);
}

}  // namespace ptxi
