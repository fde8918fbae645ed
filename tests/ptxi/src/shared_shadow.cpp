// Shadow of shared memory: uninitialised reads, races between warps, and races between the lanes
// of one warp.
#include <algorithm>

#include "block.h"

namespace ptxi {

using std::string;
using std::to_string;

void Block::shadow_start() {
  sh.shift = __builtin_ctz((unsigned)std::max(1, k.granule));
  const u64 n = (shared_total >> sh.shift) + 2;
  const int nw = (int)warps.size();
  if (sh.granules != n || sh.warps != nw || sh.full_barrier == 1) {
    sh.granules = n;
    sh.warps = nw;
    sh.cells.assign(n, ShadowCell());
    sh.warp_rtime.assign(n * (u64)nw, 0);
    sh.serial = 0;
  }
  sh.serial++;
}

// The whole request of a warp; `start` is the address of offset 0. Cells that nobody else has
// touched since the last full barrier are dealt with here, the others in shadow_access. Lanes that
// read the same place, neighbours or of the other half of the warp, visit its cells together.
void Block::shadow_request(Warp& w, const Instruction& in, const u64* addr, u64 start, u32 m, unsigned n,
                           bool write, bool atomic) {
  const u32 now = sh.now, full = sh.full_barrier, serial = sh.serial;
  u32* mine = sh.warp_rtime.data() + (u64)w.id * sh.granules;
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
      if (c.wtime > full || c.inflight || (write ? c.rtime > full : c.init != serial)) {
        FOR_LANES(o, lanes) shadow_access(w, o, in, g << sh.shift, 1, write, atomic);
      } else if (write) {
        c.init = serial;
        c.wtime = now;
        c.wwarp = (u8)w.id;
        c.wlane = (u8)l;
        c.watomic = atomic;
      } else {
        if (c.rwarp != w.id || c.rtime <= w.full_sync) c.rlanes = 0;
        c.rwarp = (u8)w.id;
        c.rlanes |= lanes;
        c.rtime = mine[g] = now;
      }
    }
  }
}

void Block::shadow_access(Warp& w, int lane, const Instruction& in, u64 off, unsigned n, bool write,
                          bool atomic) {
  u32* mine = sh.warp_rtime.data() + (u64)w.id * sh.granules;
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
    if (c.wtime > sh.full_barrier && !(atomic && c.watomic)) {
      if (c.wwarp != w.id) {
        if (c.wtime > w.known[c.wwarp])
          warn(in,
               string("shared-memory race between warps: ") + verb + " after a write by warp " +
                   to_string(c.wwarp) + " without a barrier" + at(),
               &w, lane);
      } else if (!lane_ordered(w, c.wtime, c.wlane, lane)) {
        warn(in,
             string("shared-memory race within a warp: ") + verb + " after a write by lane " +
                 to_string(c.wlane) + " without a warp synchronisation" + at(),
             &w, lane);
      }
    }
    if (!write) {
      if (c.rwarp != w.id || mine[g] <= w.full_sync) c.rlanes = 0;
      c.rwarp = (u8)w.id;
      c.rlanes |= 1u << lane;
      c.rtime = mine[g] = sh.now;
      continue;
    }
    if (c.rtime > sh.full_barrier && !atomic) {
      for (int v = 0; v < sh.warps; v++) {
        u32 t = sh.warp_rtime[(u64)v * sh.granules + g];
        if (v == w.id || t <= w.known[(size_t)v]) continue;
        warn(in,
             "shared-memory race between warps: write after a read by warp " + to_string(v) +
                 " without a barrier" + at(),
             &w, lane);
        break;
      }
      if (c.rwarp == w.id && mine[g] > w.full_sync) FOR_LANES(o, c.rlanes) {
          if (lane_ordered(w, mine[g], o, lane)) continue;
          warn(in,
               "shared-memory race within a warp: write after a read by lane " + to_string(o) +
                   " without a warp synchronisation" + at(),
               &w, lane);
          break;
        }
    }
    c.init = sh.serial;
    c.wtime = sh.now;
    c.wwarp = (u8)w.id;
    c.wlane = (u8)lane;
    c.watomic = atomic;
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
