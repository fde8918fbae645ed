// Checks of global memory: bytes never written (PTXI_INIT), conflicting accesses of blocks (PTXI_RACE).

#include <algorithm>
#include <cstring>
#include <map>

#include "block.h"

namespace ptxi {

using std::string;

// ---------------------------------------------------------------------------------------------
// Order between blocks created by fences and atomics (cross-block race check). A block that does
// an atomic on an address, with a fence before or acquire/release semantics, knows everything the
// blocks did that came to that address before it.
// ---------------------------------------------------------------------------------------------
u32 g_race_base = 0;
static u32 g_race_time = 1;
static std::map<u64, std::map<u32, u64>> g_sync;          // address: block, time of its atomic
static std::map<u32, std::map<u32, u64>> g_known_blocks;  // block: block, time

u64 race_now() {
  return g_race_time;
}
void race_start() {
  g_race_base = g_race_time;
  g_race_time++;
  g_sync.clear();
  g_known_blocks.clear();
}
void race_sync(u64 addr, u32 block) {
  auto& s = g_sync[addr];
  auto& kb = g_known_blocks[block];
  for (auto& p : s) {
    u64& t = kb[p.first];
    t = std::max(t, p.second);
  }
  for (auto& p : kb) {  // what this block knows travels on with it
    u64& t = s[p.first];
    t = std::max(t, p.second);
  }
  s[block] = g_race_time++;
}
bool race_ordered(u32 from, u64 time, u32 to) {
  auto i = g_known_blocks.find(to);
  if (i == g_known_blocks.end()) return false;
  auto j = i->second.find(from);
  return j != i->second.end() && j->second >= time;
}

void Block::global_checks(Warp& w, int l, const Instruction& in, Alloc* al, u64 a, unsigned n, bool write,
                          bool atomic) {
  u64 o = a - al->base;
  if (al->init) {
    if (!write || in.op == O_atom || in.op == O_red)
      for (unsigned i = 0; i < n; i++)
        if (!al->init[o + i]) {
          warn(in, "read of uninitialised global memory at " + mem_describe(a), &w, l);
          break;
        }
    if (write) memset(al->init + o, 1, n);
  }
  if (al->race) {
    if (atomic) return;
    const u32 me = (u32)linear + 1;
    const u64 now = race_now();
    // Times are relative to the launch; cells of an older launch are recognised by a time
    // before its start (see race_start).
    for (unsigned i = 0; i < n; i++) {
      RaceCell& c = al->race[o + i];
      bool live_w = c.writer && c.wtime > g_race_base, live_r = c.reader && c.rtime > g_race_base;
      if (live_w && c.writer != me && !race_ordered(c.writer - 1, c.wtime, me - 1)) {
        warn(in,
             string("global-memory race: ") + (write ? "write" : "read") + " of " + mem_describe(a) +
                 " after a write by block " + std::to_string(c.writer - 1) + " of the same launch",
             &w, l);
        break;
      }
      if (write && live_r && c.reader != me && !race_ordered(c.reader - 1, c.rtime, me - 1)) {
        warn(in,
             "global-memory race: write of " + mem_describe(a) + " after a read by block " +
                 std::to_string(c.reader - 1) + " of the same launch",
             &w, l);
        break;
      }
      if (write) {
        c.writer = me;
        c.wtime = (u32)now;
      } else {
        c.reader = me;
        c.rtime = (u32)now;
      }
    }
  }
}

}  // namespace ptxi
