// Checks of global memory: bytes never written (PTXI_INIT), conflicting accesses without an order
// (PTXI_RACE).

#include <algorithm>
#include <cstring>

#include "block.h"
#include "footprint.h"

namespace ptxi {

using std::string;

namespace {

bool live(const RaceAccess& a) {
  return a.launch == g_race_launch;
}

bool same_warp(const RaceAccess& a, const RaceAccess& b) {
  return a.block == b.block && a.warp == b.warp;
}

// Two such accesses do not race, though nothing orders them.
bool morally_strong(const RaceAccess& a, const RaceAccess& b) {
  return std::min(a.kind, b.kind) > (a.block == b.block ? WEAK : STRONG_IN_BLOCK);
}

// The newest access comes first, then the newest of another warp.
void record(RaceAccess (&slots)[2], const RaceAccess& access) {
  if (!same_warp(slots[0], access)) slots[1] = slots[0];
  slots[0] = access;
}

// Of global memory, by RaceCell and lanes in RaceCell::read_lanes.
OlderAccesses& g_older_reads = *new OlderAccesses;

void record_read(Block& b, RaceCell& c, Warp& w, const RaceAccess& me) {
  const RaceAccess& last = c.read[0];
  const u64 place = (u64)&c;
  u32 others = same_warp(last, me) && live(last) ? b.unknown_lanes(w, c.read_lanes, last.clock) : 0;
  if (w.parted()) {
    // Who knows of this read will know of those that come before it.
    FOR_LANES(o, others)
    if (b.lane_ordered(w, g_older_reads.time(place, o, last.clock), o, me.lane)) others &= ~(1u << o);
    if (others && last.clock < me.clock) g_older_reads.keep(place, others, last.clock);
  }
  g_older_reads.forget(place, ~others | 1u << me.lane);
  c.read_lanes = others | 1u << me.lane;
  record(c.read, me);
}

bool atomic(const Instruction& in) {
  return in.op == O_atom || in.op == O_red;
}

bool reads(const Instruction& in, bool write) {
  return !write || atomic(in);
}

}  // namespace

// Whether the access comes before what `lane` of `w` does now.
bool Block::global_ordered(const RaceAccess& a, Warp& w, int lane) {
  if (a.block == (u32)linear + 1) return comes_before(a.clock, a.warp, a.lane, w, lane);
  const Order* order = w.order ? w.order->lanes[lane].order.get() : nullptr;
  return order && a.clock <= order->known.at(a.block - 1, a.warp * 32 + a.lane);
}

// Whether it comes before, whichever lane of its warp it was by.
bool Block::whole_warp_before(const RaceAccess& a, const Warp& w) {
  return a.block == (u32)linear + 1 && a.warp != w.id && !warps[a.warp].exited && a.clock <= w.known[a.warp];
}

void forget_older_reads() {
  g_older_reads.clear();
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
  if (in.access == READ_ONLY || other.kind == READ_ONLY)
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

namespace {

// The check of one access, which touches cells.
class RaceCheck {
 public:
  RaceCheck(Block& block, Warp& warp, int lane, const Instruction& instruction, u64 address, bool writes)
      : b(block), w(warp), l(lane), in(instruction), a(address), write(writes) {}

  // `from`: the address of the cell.
  void touch(RaceCell& c, u64 from) {
    const bool follows = check_writes(c);
    if (write) {
      check_copies(c);
      check_reads(c);
      note(c.write[0], WRITES, from);
      record(c.write, me);
      c.write[0].follows = follows;
    }
    if (!reads(in, write)) return;
    if (!(write && strong)) note(c.read[0], READS, from);
    if (in.op == O_cp) {  // reads at any time up to its wait, see source_was_read
      c.copies = (c.copies_launch == g_race_launch ? c.copies : 0) + 1;
      c.copies_launch = g_race_launch;
    } else if (!(write && me.kind > WEAK)) {
      record_read(b, c, w, me);
    }
  }

 private:
  bool after(const RaceAccess& other) { return !live(other) || b.global_ordered(other, w, l); }

  // Against another access, one of the two of which writes.
  void check(const RaceAccess& other, bool other_writes, bool is_after) {
    if (told || !live(other)) return;
    const bool nc = me.kind == READ_ONLY || other.kind == READ_ONLY;
    if (!nc && (is_after || morally_strong(me, other))) return;
    b.report_race(w, l, in, a, write, other, other_writes);
    told = true;
  }

  // True if what comes before the newest write, and that itself, comes before this access.
  bool check_writes(const RaceCell& c) {
    const RaceAccess &newest = c.write[0], &older = c.write[1];
    if (!live(newest)) return true;
    const bool after_newest = after(newest), after_older = (after_newest && newest.follows) || after(older);
    check(newest, true, after_newest);
    check(older, true, after_older);
    // What an atomic reads precedes it.
    const bool follows = after_newest || (atomic(in) && morally_strong(me, newest));
    return follows && (!same_warp(me, newest) || newest.follows || after_older);
  }

  void check_reads(const RaceCell& c) {
    RaceAccess read = c.read[0];
    if (live(read) && (read.kind == READ_ONLY || !b.whole_warp_before(read, w))) FOR_LANES(r, c.read_lanes) {
        read.clock = g_older_reads.time((u64)&c, r, c.read[0].clock);
        read.lane = (u8)r;
        check(read, false, after(read));
      }
    check(c.read[1], false, after(c.read[1]));
  }

  void check_copies(const RaceCell& c) {
    if (!c.copies || c.copies_launch != g_race_launch || told) return;
    b.warn(in, "global-memory race: write of " + mem_describe(a) + " with a cp.async in flight that reads it",
           &w, l);
    told = true;
  }

  // For races between launches: what this one uses.
  void note(const RaceAccess& last, Touch touch, u64 from) {
    if (g_footprint && (!live(last) || (!strong && last.kind > STRONG_IN_BLOCK)))
      add_span(g_footprint->spans[strong ? touch + STRONG_READS : touch], from,
               from + (u64)b.k.global_granule);
  }

  Block& b;
  Warp& w;
  const int l;
  const Instruction& in;
  const u64 a;
  const bool write, strong = in.access > STRONG_IN_BLOCK;
  const RaceAccess me{(u32)b.linear + 1, g_race_launch, b.sh.now, (u8)w.id, (u8)l, in.access, true};
  bool told = false;
};

}  // namespace

void Block::check_race(Warp& w, int l, const Instruction& in, Alloc* al, u64 a, unsigned n, bool write) {
  RaceCheck check(*this, w, l, in, a, write);
  const int shift = __builtin_ctz((unsigned)k.global_granule);
  const u64 o = a - al->base;
  for (u64 i = o >> shift; i <= (o + n - 1) >> shift; i++) check.touch(al->race[i], al->base + (i << shift));
}

// A cp.async, of which check_race knows since its issue, has been waited for.
void Block::source_was_read(Warp& w, int l, const AsyncCopy& copy) {
  Alloc* al = find(copy.src, (u64)copy.src_bytes);
  if (!al || !al->race) return;
  const RaceAccess me{(u32)linear + 1, g_race_launch, sh.now, (u8)w.id, (u8)l, WEAK, true};
  const int shift = __builtin_ctz((unsigned)k.global_granule);
  const u64 o = copy.src - al->base;
  for (u64 i = o >> shift; i <= (o + (u64)copy.src_bytes - 1) >> shift; i++) {
    al->race[i].copies--;
    record_read(*this, al->race[i], w, me);
  }
}

// All checks of one lane's access.
void Block::global_checks(Warp& w, int l, const Instruction& in, Alloc* al, u64 a, unsigned n, bool write) {
  if (al->init) check_init(w, l, in, al, a, n, write);
  if (!al->race) return;
  check_race(w, l, in, al, a, n, write);
  if (in.access > WEAK) global_strong_access(w, l, in, a);
}

}  // namespace ptxi
