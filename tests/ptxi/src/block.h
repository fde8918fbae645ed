// A block of threads that is being run: warps, barriers, shared memory and its shadow.
#pragma once

#include <random>

#include "counters.h"
#include "memory.h"
#include "options.h"
#include "warp.h"

namespace ptxi {

struct Barrier {
  int arrived = 0, expected = -1;
  int red = 0, red_count = 0;
  bool red_all = true, red_any = false;
  i32 pc = -1;                                 // the first arrival's instruction
  std::vector<std::pair<Warp*, u32>> waiting;  // warps and their lanes
  u32 warps = 0;                               // warps with a waiting lane
  u32 arrivers = 0;                            // warps that only arrived (bar.arrive)
  bool plain = true;
};

// Shadow of shared memory: a cell per granule (Kernel::granule bytes). Times come from
// Shadow::now, which never goes back, so a block need not clear what an earlier one left.
struct ShadowCell {
  u32 wtime = 0, rtime = 0;  // newest write, newest read
  u32 init = 0;              // serial of the block that wrote it
  u32 rlanes = 0;            // lanes of warp rwarp that read it
  u8 wwarp = 0, wlane = 0, rwarp = 0, watomic = 0;
  u16 inflight = 0;  // cp.async copies under way
};
struct Shadow {
  int shift = 2;  // log2 of the granule
  u32 now = 1, full_barrier = 0, serial = 0;
  std::vector<ShadowCell> cells;
  std::vector<u32> warp_rtime;  // [warp][granule]: newest read by that warp
  u64 granules = 0;
  int warps = 0;
};

struct Block {
  Kernel& k;
  unsigned b[3], g[3], c[3];
  u64 linear = 0;          // linear block index
  u64 grid_workspace = 0;  // of a cooperative launch: what grid synchronisation counts in
  u64 dyn_smem = 0, shared_total = 0;
  int nthreads = 0;
  const u8* params = nullptr;
  std::vector<u8> shared, local;
  std::vector<Warp> warps;
  u32* regs = nullptr;
  size_t regs_cap = 0;
  Barrier bars[17];
  Shadow sh;
  std::vector<Counters> counters;  // per instruction; empty where nothing is counted
  bool counting = false;
  bool shared_checked = options().shared_check != 0;
  bool global_checked = options().init_check || options().race_check;
  bool fenced = false;  // a fence was executed (for the cross-block race check)
  u64 steps = 0;
  u64 last_step = ~0ull;  // after it PTXI_MAX_STEPS ends the block
  std::mt19937 rng;
  std::vector<int> order;
  Alloc* last_alloc[2] = {nullptr, nullptr};

  explicit Block(Kernel& kk) : k(kk) {}
  ~Block();
  Block(const Block&) = delete;
  void start(unsigned x, unsigned y, unsigned z);  // prepare to run block (x, y, z)
  bool run(u64 quantum);                           // true when finished
  bool step_warp(Warp& w, u64 quantum);            // true when something was executed

  // Errors and warnings; both name the kernel, block, thread, PTX line and source line.
  std::string where(const Instruction& in, const Warp* w, int lane);
  [[noreturn]] void err(const Instruction& in, int code, const std::string& what, const Warp* w = nullptr,
                        int lane = -1);
  void warn(const Instruction& in, const std::string& what, const Warp* w, int lane);

  // Barriers
  int alive_threads();
  void arrive(Warp& w, const Instruction& in, int pc, u32 m);
  bool check_barriers();
  void release(Barrier& b);

  // Address translation, with all checks. `n` is the size of the access of one lane.
  u8* address(Warp& w, int lane, const Instruction& in, Space sp, u64 a, unsigned n, bool write,
              bool atomic = false);
  Alloc* find(u64 a, u64 n);
  void global_checks(Warp& w, int lane, const Instruction& in, Alloc* al, u64 a, unsigned n, bool write,
                     bool strong);
  void check_init(Warp& w, int lane, const Instruction& in, Alloc* al, u64 a, unsigned n, bool write);
  void check_race(Warp& w, int lane, const Instruction& in, Alloc* al, u64 a, unsigned n, bool write,
                  bool strong);
  void report_race(Warp& w, int lane, const Instruction& in, u64 a, bool write, const RaceAccess& other,
                   bool other_writes);
  bool global_ordered(const RaceAccess& a, Warp& w, int lane);
  void flush_copies(Warp& w, int lane, const Instruction& in, std::vector<AsyncCopy>& q);

  // Shared-memory shadow (shadow.cpp)
  void shadow_start();
  void shadow_access(Warp& w, int lane, const Instruction& in, u64 off, unsigned n, bool write, bool atomic);
  void shadow_request(Warp& w, const Instruction& in, const u64* addr, u64 start, u32 m, unsigned n,
                      bool write, bool atomic);
  void shadow_inflight(Warp& w, int lane, const Instruction& in, u64 off, unsigned n, bool begin);
  void shadow_warp_sync(Warp& w, u32 lanes);
  void shadow_barrier(u32 receivers, u32 participants, bool full);
  bool lane_ordered(Warp& w, u32 time, int from, int to);

  // Counters (counters.cpp)
  Counters& counters_of(const Instruction& in) { return counters[(size_t)(&in - k.code.data())]; }
  void count_global(const Instruction& in, const u64* addr, u32 m, unsigned n, bool write);
  void count_shared(const u64* addr, u32 m, unsigned n, u64* wavefronts, u64* ideal);
};

// Race check: what orders blocks.
void race_meet(u64 addr, u32 block);
void race_fence(u32 block);
void race_acquire(u64 addr, u32 block);
void race_sync(u64 addr, u32 block);
bool race_ordered(u32 from, u64 time, u32 to);
u64 race_now();
void race_start();
extern u32 g_race_base;  // when the launch began

}  // namespace ptxi
