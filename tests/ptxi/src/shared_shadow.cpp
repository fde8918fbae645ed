// Shadow of shared memory: uninitialised reads, races between warps, and races between the lanes
// of one warp.
#include <algorithm>

#include "block.h"

namespace ptxi {

using std::string;
using std::to_string;

// An access now, by some lanes of the warp.
void Block::shadow_remember(const Warp& w, u64 g, u32 lanes, WarpAccesses& accesses) {
  const u64 at = (u64)w.id * sh.granules + g;
  WarpAccesses::Newest& mine = accesses.newest[at];
  const u32 left = unknown_lanes(w, mine.lanes, mine.time) & ~lanes;
  accesses.older.forget(at, ~left);
  if (left && mine.time < sh.now && w.parted()) accesses.older.keep(at, left, mine.time);
  mine = {sh.now, left | lanes};
}

// A lane of a warp with an access that does not come before what `lane` of `w` does now; -1: all do.
int Block::shadow_unknown(const WarpAccesses& accesses, int v, u64 g, const Warp& w, int lane) {
  const u64 at = (u64)v * sh.granules + g;
  const WarpAccesses::Newest& newest = accesses.newest[at];
  if (newest.time <= sh.full_barrier) return -1;
  if (v != w.id && newest.time <= w.known[(size_t)v] && !warps[(size_t)v].exited) return -1;
  FOR_LANES(o, newest.lanes)
  if (!comes_before(accesses.older.time(at, o, newest.time), v, o, w, lane)) return o;
  return -1;
}

void Block::shadow_start() {
  sh.shift = __builtin_ctz((unsigned)std::max(1, k.granule));
  const u64 n = (shared_total >> sh.shift) + 2;
  const int nw = (int)warps.size();
  if (sh.granules != n || sh.warps != nw || sh.full_barrier == 1) {
    sh.granules = n;
    sh.warps = nw;
    sh.cells.assign(n, ShadowCell());
    sh.reads = WarpAccesses();
    sh.reads.newest.resize(n * (u64)nw);
    for (WarpAccesses& strong : sh.strong) strong = WarpAccesses();
    sh.serial = 0;
  }
  sh.serial++;
}

// The whole request of a warp; `start` is the address of offset 0. Cells that nobody else has
// touched since the last full barrier are dealt with here, the others in shadow_access. Lanes that
// read the same place, neighbours or of the other half of the warp, visit its cells together.
void Block::shadow_request(Warp& w, const Instruction& in, const u64* addr, u64 start, u32 m, unsigned n,
                           bool write, bool strong) {
  const u32 now = sh.now, full = sh.full_barrier, serial = sh.serial;
  const bool parted = w.parted();
  WarpAccesses::Newest* mine = sh.reads.newest.data() + (u64)w.id * sh.granules;
  ShadowCell* cells = sh.cells.data();
  u32 visited = 0;
  FOR_LANES(l, m) {
    if (visited >> l & 1) continue;
    u32 lanes = 1u << l;
    if (!write) {
      for (int first = l; first < 32; first += 16)
        for (int o = first; o < 32 && addr[o] == addr[l]; o++) lanes |= 1u << o;
      lanes &= m;
      visited |= lanes;
    }
    const u64 off = addr[l] - start, last = (off + n - 1) >> sh.shift;
    for (u64 g = off >> sh.shift; g <= last; g++) {
      ShadowCell& c = cells[g];
      if (strong || c.wtime > full || c.inflight || c.strong > full ||
          (write ? c.rtime > full : c.init != serial)) {
        FOR_LANES(o, lanes) shadow_access(w, o, in, g << sh.shift, 1, write, strong);
      } else if (write) {
        c.init = serial;
        c.wtime = now;
        c.wwarp = (u8)w.id;
        c.wlane = (u8)l;
      } else {
        if (mine[g].time > w.full_sync && !parted)
          mine[g] = {now, mine[g].lanes | lanes};
        else
          shadow_remember(w, g, lanes, sh.reads);
        c.rtime = now;
      }
    }
  }
}

// Reports an access that others do not all precede.
void Block::shadow_unordered(Warp& w, int lane, const Instruction& in, u64 g, const char* verb,
                             const char* other, const WarpAccesses& accesses) {
  const auto report = [&](const string& between, const string& by, const string& without) {
    warn(in,
         "shared-memory race " + between + ": " + verb + " after a " + other + " by " + by + " without a " +
             without + ", offset " + to_string(g << sh.shift),
         &w, lane);
  };
  for (int v = 0; v < sh.warps; v++) {
    if (v == w.id || shadow_unknown(accesses, v, g, w, lane) < 0) continue;
    report("between warps", "warp " + to_string(v), "barrier");
    break;
  }
  if (const int o = shadow_unknown(accesses, w.id, g, w, lane); o >= 0)
    report("within a warp", "lane " + to_string(o), "warp synchronisation");
}

void Block::shadow_access(Warp& w, int lane, const Instruction& in, u64 off, unsigned n, bool write,
                          bool strong) {
  const bool reads = !write || in.op == O_atom || in.op == O_red;
  for (u64 g = off >> sh.shift; g <= (off + n - 1) >> sh.shift; g++) {
    ShadowCell& c = sh.cells[g];
    auto at = [&] { return ", offset " + to_string(g << sh.shift); };
    const char* verb = write ? "write" : "read";
    if (c.init != sh.serial) {
      c.inflight = 0;  // left by an earlier block
      if (reads) warn(in, "read of uninitialised shared memory" + at(), &w, lane);
    }
    if (c.inflight) warn(in, string(verb) + " of shared memory with a cp.async in flight" + at(), &w, lane);
    // Accesses up to the last barrier of the whole block are ordered for everybody.
    if (c.wtime > sh.full_barrier) {
      if (c.wwarp != w.id) {
        if (!comes_before(c.wtime, c.wwarp, c.wlane, w, lane))
          warn(in,
               string("shared-memory race between warps: ") + verb + " after a write by warp " +
                   to_string(c.wwarp) + " without a barrier" + at(),
               &w, lane);
      } else if (!comes_before(c.wtime, w.id, c.wlane, w, lane)) {
        warn(in,
             string("shared-memory race within a warp: ") + verb + " after a write by lane " +
                 to_string(c.wlane) + " without a warp synchronisation" + at(),
             &w, lane);
      }
    }
    if (c.strong > sh.full_barrier && !strong)
      for (bool written : {false, true})
        if ((write || written) && !sh.strong[written].newest.empty())
          shadow_unordered(w, lane, in, g, verb, written ? "write" : "read", sh.strong[written]);
    if (write && c.rtime > sh.full_barrier) shadow_unordered(w, lane, in, g, verb, "read", sh.reads);
    if (write) c.init = sh.serial;
    if (strong) {
      WarpAccesses& accesses = sh.strong[write];
      if (accesses.newest.empty()) accesses.newest.resize(sh.granules * (u64)sh.warps);
      shadow_remember(w, g, 1u << lane, accesses);
      c.strong = sh.now;
    } else if (write) {
      c.wtime = sh.now;
      c.wwarp = (u8)w.id;
      c.wlane = (u8)lane;
    } else {
      shadow_remember(w, g, 1u << lane, sh.reads);
      c.rtime = sh.now;
    }
  }
}

// cp.async writes its destination at any time between the issue and the wait.
void Block::shadow_inflight(Warp& w, int lane, const Instruction& in, u64 off, unsigned n, bool begin) {
  if (begin) shadow_access(w, lane, in, off, n, true, false);
  for (u64 g = off >> sh.shift; g <= (off + n - 1) >> sh.shift; g++) {
    u16& c = sh.cells[g].inflight;
    if (begin)
      c++;
    else if (c)
      c--;
  }
}

}  // namespace ptxi
