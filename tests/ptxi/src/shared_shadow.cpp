// Shadow of shared memory: uninitialised reads, races between warps, and races between the lanes
// of one warp.
#include <algorithm>

#include "block.h"

namespace ptxi {

using std::string;
using std::to_string;

namespace {

// Whether a lane's access may be known where that of another, at the same time or before, is not.
bool parted(const Warp& w) {
  return w.lane_sync || w.exited || w.order;
}

}  // namespace

// What is remembered of the accesses of a kind to a granule: the newest by each warp, [warp][granule]; and by
// which lanes those of the warp are that came last, some of them before its newest.
struct Block::Remembered {
  const char* kind;
  const std::vector<u32>& newest;
  int warp;
  u32 lanes;
  const OlderAccesses& older;
  u32 time(u64 granule, int lane, const Shadow& sh) const {
    return older.time(granule, lane, newest[(u64)warp * sh.granules + granule]);
  }
};

// Of a warp whose lanes are not remembered, some lane's order will do.
bool Block::all_come_before(const Remembered& others, int v, u64 g, const Warp& w, int lane) {
  if (v == others.warp) {
    FOR_LANES(o, others.lanes) if (!comes_before(others.time(g, o, sh), v, o, w, lane)) return false;
    return true;
  }
  const u32 time = others.newest[(u64)v * sh.granules + g];
  if (time <= w.known[(size_t)v]) return true;
  for (int o = 0; o < 32 && w.order; o++)
    if (comes_before(time, v, o, w, lane)) return true;
  return false;
}

// Of the `lanes` whose accesses are remembered, of the warp `by` and until `newest`, those that some lane of
// this warp may not know; they are joined by an access now.
u32 Block::shadow_lanes(const Warp& w, u64 g, u32 lanes, int by, u32 newest, OlderAccesses& older) {
  const u32 left = by == w.id ? unknown_lanes(w, lanes, newest) : 0;
  older.forget(g, ~left);
  if (left && newest < sh.now && parted(w)) older.keep(g, left, newest);
  return left;
}

void Block::shadow_start() {
  sh.shift = __builtin_ctz((unsigned)std::max(1, k.granule));
  const u64 n = (shared_total >> sh.shift) + 2;
  const int nw = (int)warps.size();
  if (sh.granules != n || sh.warps != nw || sh.full_barrier == 1) {
    sh.granules = n;
    sh.warps = nw;
    sh.cells.assign(n, ShadowCell());
    sh.warp_rtime.assign(n * (u64)nw, 0);
    sh.older_reads = OlderAccesses();
    for (StrongAccesses& s : sh.strong) s = StrongAccesses();
    sh.serial = 0;
  }
  sh.serial++;
}

// The whole request of a warp; `start` is the address of offset 0. Cells that nobody else has
// touched since the last full barrier are dealt with here, the others in shadow_access. Lanes that
// read the same place, neighbours or of the other half of the warp, visit its cells together.
void Block::shadow_request(Warp& w, const Instruction& in, const u64* addr, u64 start, u32 m, unsigned n,
                           bool write, bool strong) {
  const u32 now = sh.now, full = sh.full_barrier, serial = sh.serial,
            synced = parted(w) ? now - 1 : w.full_sync;
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
      if (strong || c.wtime > full || c.inflight || c.strong || (write ? c.rtime > full : c.init != serial)) {
        FOR_LANES(o, lanes) shadow_access(w, o, in, g << sh.shift, 1, write, strong);
      } else if (write) {
        c.init = serial;
        c.wtime = now;
        c.wwarp = (u8)w.id;
        c.wlane = (u8)l;
      } else {
        if (c.rwarp != w.id || c.rtime <= synced)
          c.rlanes = shadow_lanes(w, g, c.rlanes, c.rwarp, c.rtime, sh.older_reads);
        sh.older_reads.forget(g, lanes);
        c.rwarp = (u8)w.id;
        c.rlanes |= lanes;
        c.rtime = mine[g] = now;
      }
    }
  }
}

// Reports an access that the others do not all precede.
void Block::shadow_unordered(Warp& w, int lane, const Instruction& in, u64 g, const char* verb,
                             const Remembered& others) {
  const auto report = [&](const string& between, const string& by, const string& without) {
    warn(in,
         "shared-memory race " + between + ": " + verb + " after a " + others.kind + " by " + by +
             " without a " + without + ", offset " + to_string(g << sh.shift),
         &w, lane);
  };
  for (int v = 0; v < sh.warps; v++) {
    if (v == w.id || all_come_before(others, v, g, w, lane)) continue;
    report("between warps", "warp " + to_string(v), "barrier");
    break;
  }
  if (others.warp != w.id) return;
  FOR_LANES(o, others.lanes) {
    if (comes_before(others.time(g, o, sh), w.id, o, w, lane)) continue;
    report("within a warp", "lane " + to_string(o), "warp synchronisation");
    break;
  }
}

void Block::shadow_strong(Warp& w, int lane, u64 g, bool write) {
  StrongAccesses& s = sh.strong[write];
  if (s.time.empty()) {
    s.newest.resize(sh.granules);
    s.time.resize(sh.granules * (u64)sh.warps);
  }
  StrongAccesses::Newest& newest = s.newest[g];
  u32& mine = s.time[(u64)w.id * sh.granules + g];
  newest.lanes = shadow_lanes(w, g, newest.lanes, newest.warp, mine, s.older);
  s.older.forget(g, 1u << lane);
  newest.warp = (u8)w.id;
  newest.lanes |= 1u << lane;
  mine = sh.now;
  sh.cells[g].strong = 1;
}

void Block::shadow_access(Warp& w, int lane, const Instruction& in, u64 off, unsigned n, bool write,
                          bool strong) {
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
    if (c.strong && !strong) {
      c.strong = 0;
      for (bool written : {false, true}) {
        const StrongAccesses& s = sh.strong[written];
        if (s.time.empty()) continue;
        const StrongAccesses::Newest& newest = s.newest[g];
        if (s.time[(u64)newest.warp * sh.granules + g] <= sh.full_barrier) continue;
        c.strong = 1;
        if (write || written)
          shadow_unordered(w, lane, in, g, verb,
                           {written ? "write" : "read", s.time, newest.warp, newest.lanes, s.older});
      }
    }
    if (write && c.rtime > sh.full_barrier)
      shadow_unordered(w, lane, in, g, verb, {"read", sh.warp_rtime, c.rwarp, c.rlanes, sh.older_reads});
    if (write) c.init = sh.serial;
    if (strong) {
      shadow_strong(w, lane, g, write);
    } else if (write) {
      c.wtime = sh.now;
      c.wwarp = (u8)w.id;
      c.wlane = (u8)lane;
    } else {
      c.rlanes = shadow_lanes(w, g, c.rlanes, c.rwarp, mine[g], sh.older_reads);
      sh.older_reads.forget(g, 1u << lane);
      c.rwarp = (u8)w.id;
      c.rlanes |= 1u << lane;
      c.rtime = mine[g] = sh.now;
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
