// A block of threads that is being run: warps, barriers, shared memory and its shadow.
#pragma once

#include <map>
#include <random>

#include "counters.h"
#include "memory.h"
#include "older_accesses.h"
#include "options.h"
#include "warp.h"

namespace ptxi {

// What warps that only arrive at a barrier (bar.arrive) did and knew before; what they do next is no longer
// of it.
struct Arrivals {
  std::vector<u32> known;  // as Warp::known; empty: there are none
  OrderPointer order;
};

struct Barrier {
  int arrived = 0;     // threads
  int expected = -1;   // the count; -1: all threads of the block
  u32 lanes[32] = {};  // with a count: of each warp, lanes that wait for others of it
  int red = 0, red_count = 0;
  bool red_all = true, red_any = false;
  i32 pc = -1;                                 // the first arrival's instruction
  std::vector<std::pair<Warp*, u32>> waiting;  // warps and their lanes
  u32 warps = 0;                               // warps with a waiting lane
  Arrivals arrivals;
  bool plain = true;
};

// Shadow of shared memory: a cell per granule (Kernel::granule bytes). Times come from
// Shadow::now, which goes back only where all cells are made anew, so a block need not clear what another
// left.
struct ShadowCell {
  u32 wtime = 0, rtime = 0, strong = 0;  // newest write, newest read, newest strong access
  u32 init = 0;                          // serial of the block that wrote it
  u8 wwarp = 0, wlane = 0;
  u16 inflight = 0;  // cp.async copies under way
};
// Accesses of a kind: of each warp and granule the newest, and the lanes since that some thread may not know.
struct WarpAccesses {
  struct Newest {
    u32 time = 0, lanes = 0;
  };
  std::vector<Newest> newest;  // [warp][granule]
  OlderAccesses older;         // by the place in it: of lanes before the newest
};
struct Shadow {
  int shift = 2;  // log2 of the granule
  u32 now = 1, full_barrier = 0, serial = 0;
  std::vector<ShadowCell> cells;
  WarpAccesses reads;
  // Strong accesses, which do not race with each other: atomics and, at level 1, volatile ones. They are kept
  // apart from the others, so that neither hide what the other would race with.
  WarpAccesses strong[2];  // reads, and writes; empty until there is one
  u64 granules = 0;
  int warps = 0;
};

// Whether fences and strong accesses of the kernel may order what is checked.
inline bool follows_fences(const Kernel& k) {
  return options().race_check || (options().shared_check && k.fences && k.shared_flags);
}

constexpr u64 kGridWorkspace = 64;  // bytes that the blocks of a cooperative launch synchronise by

struct Block {
  Kernel& k;
  unsigned b[3], g[3], c[3];
  u64 linear = 0;          // linear block index
  u64 grid_workspace = 0;  // of a cooperative launch: what grid synchronisation counts in
  u64 grid_arrivals = 0;   // grid synchronisations that this block has come to
  u64 dyn_smem = 0, shared_total = 0;
  int nthreads = 0;
  const u8* params = nullptr;
  std::vector<u8> shared, local;
  std::vector<Warp> warps;
  std::vector<u8> register_memory;
  u32* regs = nullptr;  // in it, aligned
  Barrier bars[16];
  Shadow sh;
  Places shared_places;            // by offset
  std::vector<Counters> counters;  // per instruction; empty where nothing is counted
  bool counting = false;
  bool shared_checked = options().shared_check != 0;
  bool global_checked = options().init_check || options().race_check;
  bool ordered = options().shared_check || options().race_check;  // what orders accesses is followed
  bool fences_followed = follows_fences(k);                       // fences and strong accesses, too
  u64 steps = 0;
  u64 last_step = ~0ull;  // after it PTXI_MAX_STEPS ends the block
  std::mt19937 rng;
  std::vector<int> order;
  Alloc* last_alloc[2] = {nullptr, nullptr};

  explicit Block(Kernel& kk) : k(kk) {}
  Block(const Block&) = delete;
  void start(unsigned x, unsigned y, unsigned z);  // prepare to run block (x, y, z)
  void start_warp(int i, bool fresh);
  bool run(u64 quantum);                 // true when finished
  bool step_warp(Warp& w, u64 quantum);  // true when something was executed
  bool run_group(Warp& w, u64 stop_at);  // the same
  bool beyond_barrier(int barrier, int pc);
  std::map<int, std::vector<bool>> beyond;  // by barrier: what threads that wait there may execute afterwards

  // Errors and warnings; both name the kernel, block, thread, PTX line and source line.
  std::string where(const Instruction& in, const Warp* w, int lane);
  [[noreturn]] void err(const Instruction& in, int code, const std::string& what, const Warp* w = nullptr,
                        int lane = -1);
  void warn(const Instruction& in, const std::string& what, const Warp* w, int lane);

  // Barriers
  int alive_threads();
  void arrive(Warp& w, const Instruction& in, int pc, u32 m);
  bool check_barriers();
  void arrive_as_warps(Barrier& bar);
  void release(Barrier& b);

  // Address translation, with all checks. `n` is the size of the access of one lane.
  u8* address(Warp& w, int lane, const Instruction& in, Space sp, u64 a, unsigned n, bool write,
              bool atomic = false);
  Alloc* find(u64 a, u64 n);
  void global_checks(Warp& w, int lane, const Instruction& in, Alloc* al, u64 a, unsigned n, bool write);
  void check_init(Warp& w, int lane, const Instruction& in, Alloc* al, u64 a, unsigned n, bool write);
  void check_race(Warp& w, int lane, const Instruction& in, Alloc* al, u64 a, unsigned n, bool write);
  void report_race(Warp& w, int lane, const Instruction& in, u64 a, bool write, const RaceAccess& other,
                   bool other_writes);
  void source_was_read(Warp& w, int lane, const AsyncCopy& copy);
  bool whole_warp_before(const RaceAccess& a, const Warp& w);
  bool global_ordered(const RaceAccess& a, Warp& w, int lane);
  void flush_copies(Warp& w, int lane, const Instruction& in, std::vector<AsyncCopy>& q);

  // Shared-memory shadow (shared_shadow.cpp)
  void shadow_start();
  void shadow_access(Warp& w, int lane, const Instruction& in, u64 off, unsigned n, bool write, bool strong);
  void shadow_remember(const Warp& w, u64 granule, u32 lanes, WarpAccesses& accesses);
  int shadow_unknown(const WarpAccesses& accesses, int of_warp, u64 granule, const Warp& w, int lane);
  void shadow_unordered(Warp& w, int lane, const Instruction& in, u64 granule, const char* verb,
                        const char* other, const WarpAccesses& accesses);
  void shadow_request(Warp& w, const Instruction& in, const u64* addr, u64 start, u32 m, unsigned n,
                      bool write, bool strong);
  void shadow_inflight(Warp& w, int lane, const Instruction& in, u64 off, unsigned n, bool begin);

  // Order within the block (block_order.cpp)
  void order_start();
  void order_exit(Warp& w, u32 lanes);
  void order_lanes(Warp& w, u32 lanes);
  void order_arrival(Warp& w, Arrivals& arrivals);
  void order_warps(u32 waiting, const Arrivals& arrivals, bool full);
  bool comes_before(u32 time, int warp, int by, const Warp& w, int lane);
  u32 known_in_warp(const Warp& w, int from, int to);
  bool lane_ordered(const Warp& w, u32 time, int from, int to);
  u32 unknown_lanes(const Warp& w, u32 lanes, u32 newest);
  u32 known_of(const Warp& w, int warp, int lane) { return w.known[warps[(size_t)warp].known_as[lane]]; }
  struct Together;
  void gather(Together& all, const Warp& w, u32 lanes);
  OrderPointer together(Together& all);
  void share(const OrderPointer& order, Warp& w, u32 lanes);
  void share_lanes(Warp& w, u32 lanes);
  void share_arrival(const Warp& w, Arrivals& arrivals);
  void share_warps(u32 waiting, const Arrivals& arrivals, bool full);

  // Order by fences and strong accesses (causality.cpp)
  void fence(Warp& w, const Instruction& in, u32 m);
  void strong_access(Warp& w, int lane, const Instruction& in, Places& places, u64 a);
  void strong_element(Warp& w, int lane, const Instruction& in, Places& places, u64 a);
  void global_strong_access(Warp& w, int lane, const Instruction& in, u64 a);
  void strong_read(Warp& w, int lane, const Instruction& in, const Place& place);
  void strong_write(Warp& w, int lane, const Instruction& in, Place& place);
  std::shared_ptr<const AtFence> at_fence(const Warp& w, int lane);
  const OrderPointer& released(const Warp& w, int lane, Release& release, int scope);
  void settle_fence(Warp& w, int lane);

  // Counters (counters.cpp)
  Counters& counters_of(const Instruction& in) { return counters[(size_t)(&in - k.code.data())]; }
  void count_global(const Instruction& in, const u64* addr, u32 m, unsigned n, bool write);
  void count_shared(const u64* addr, u32 m, unsigned n, u64* wavefronts, u64* ideal);
};

void forget_older_reads();
void race_start(u64 blocks);  // before a launch
extern u32 g_race_launch;     // the launches of which there are accesses, counted

}  // namespace ptxi
