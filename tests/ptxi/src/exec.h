// Interpreter state: a block, its warps, and the shadow of its shared memory.
#pragma once
#include <random>

#include "ptxi.h"

namespace ptxi {

// Generic address windows. Shared addresses start at kSharedStart so that 0 is never valid.
constexpr u64 kSharedWindow = 1ull << 56, kLocalWindow = 2ull << 56, kParamWindow = 3ull << 56;
constexpr u64 kSharedStart = 1024;

enum SReg {
  SR_TIDX,
  SR_TIDY,
  SR_TIDZ,
  SR_NTX,
  SR_NTY,
  SR_NTZ,
  SR_CTX,
  SR_CTY,
  SR_CTZ,
  SR_NCX,
  SR_NCY,
  SR_NCZ,
  SR_LANE,
  SR_WARP,
  SR_NWARP,
  SR_LEQ,
  SR_LLT,
  SR_LLE,
  SR_LGE,
  SR_LGT,
  SR_CLOCK,
  SR_SMID,
  SR_NSMID,
  SR_GRID,
  SR_DSMEM,
  SR_TSMEM,
  SR_ZERO,
  SR_ONE,
  SR_WSZ,
  SR_GRIDWS_HI,
  SR_GRIDWS_LO
};

// A pending cp.async of one lane.
struct AsyncCopy {
  u64 dst, src;
  int bytes, src_bytes;
};

struct Block;
struct Warp {
  Block* blk = nullptr;
  int id = 0;
  u32* file[2] = {nullptr, nullptr};  // registers and the kernel's constants
  u32 alive = 0;                      // lanes that have not exited
  u32 at_barrier = 0;                 // lanes waiting at a block barrier
  u32 parked = 0;                     // lanes waiting in a warp-wide operation for lanes of their own warp
  u32 passed = 0;       // lanes that ran on beyond an aligned barrier at which others are parked
  i32 parked_bar = -1;  // the instruction of that barrier
  i32 pc[32];
  u64 exec_count = 0, turns = 0;
  u64 carry[32];                                   // condition code of add.cc and friends
  std::vector<std::vector<AsyncCopy>> groups[32];  // committed cp.async groups, oldest first
  bool copies = false;                             // this warp has used cp.async
  std::vector<AsyncCopy> open[32];                 // copies not committed yet
  // Ordering between the lanes of this warp: everything up to full_sync is ordered for all lanes;
  // lane_sync[b][a] is the time up to which lane b knows the accesses of lane a.
  u32 full_sync = 0;
  std::unique_ptr<std::vector<u32>> lane_sync;
  std::vector<u32> known;  // known[v]: time up to which this warp knows the accesses of warp v

  u32* r32(Ref r) { return file[r.file()] + r.word(); }
  u64* r64(Ref r) { return (u64*)(file[r.file()] + r.word()); }
  // Value of an operand in one lane.
  u64 get(Ref r, int l) {
    switch (r.cls()) {
      case RC_PRED:
        return *r32(r) >> l & 1;
      case RC_64:
        return r64(r)[l];
      default:
        return r32(r)[l];
    }
  }
  void set(Ref r, int l, u64 v) {
    switch (r.cls()) {
      case RC_PRED:
        *r32(r) = (*r32(r) & ~(1u << l)) | (u32)(v & 1) << l;
        break;
      case RC_64:
        r64(r)[l] = v;
        break;
      case RC_16:
        r32(r)[l] = (u16)v;
        break;
      default:
        r32(r)[l] = (u32)v;
    }
  }
};

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
  Counters cnt;
  bool counting = false;
  bool shared_checked = opt().shared_check != 0;
  bool global_checked = opt().init_check || opt().race_check;
  bool fenced = false;  // a fence was executed (for the cross-block race check)
  u64 steps = 0;
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
  std::string where(const Inst& in, const Warp* w, int lane);
  [[noreturn]] void err(const Inst& in, int code, const std::string& what, const Warp* w = nullptr,
                        int lane = -1);
  void warn(const Inst& in, const std::string& what, const Warp* w, int lane);

  // Barriers
  int alive_threads();
  void arrive(Warp& w, const Inst& in, int pc, u32 m);
  bool check_barriers();
  void release(Barrier& b);

  // Address translation, with all checks. `n` is the size of the access of one lane.
  u8* address(Warp& w, int lane, const Inst& in, Space sp, u64 a, unsigned n, bool write,
              bool atomic = false);
  Alloc* find(u64 a, u64 n);
  void global_checks(Warp& w, int lane, const Inst& in, Alloc* al, u64 a, unsigned n, bool write,
                     bool atomic);
  void flush_copies(Warp& w, int lane, const Inst& in, std::vector<AsyncCopy>& q);

  // Shared-memory shadow (shadow.cpp)
  void shadow_start();
  void shadow_access(Warp& w, int lane, const Inst& in, u64 off, unsigned n, bool write, bool atomic);
  void shadow_request(Warp& w, const Inst& in, const u64* addr, u64 start, u32 m, unsigned n, bool write,
                      bool atomic);
  void shadow_inflight(Warp& w, int lane, const Inst& in, u64 off, unsigned n, bool begin);
  void shadow_warp_sync(Warp& w, u32 lanes);
  void shadow_barrier(u32 receivers, u32 participants, bool full);
  bool lane_ordered(Warp& w, u32 time, int from, int to);

  // Counters (counters.cpp)
  void count_global(const u64* addr, u32 m, unsigned n, bool write);
  void count_shared(const u64* addr, u32 m, unsigned n, u64* wavefronts, u64* ideal);
};

// Cross-block race check: atomics that order blocks.
void race_sync(u64 addr, u32 block);
bool race_ordered(u32 from, u64 time, u32 to);
u64 race_now();
void race_start();

#define FOR_LANES(l, m)                    \
  for (u32 mm_ = (m); mm_; mm_ &= mm_ - 1) \
    if (int l = __builtin_ctz(mm_); true)

inline bool full_warp_op(const Inst& in) {
  return in.op == O_mma || in.op == O_ldmatrix || in.op == O_stmatrix || in.op == O_movmatrix;
}
inline bool masked_warp_op(const Inst& in) {
  return (in.op == O_shfl && in.ns > 3) || (in.op == O_vote && in.ns > 1) || in.op == O_match ||
         in.op == O_redux || in.op == O_elect || (in.op == O_bar && in.mode == 1);
}

// Handlers defined in the other files
void h_generic(Warp&, const Inst&, u32);           // alu.cpp: any arithmetic instruction, lane by lane
Handler fast_handler(const Kernel&, const Inst&);  // alu_fast.cpp: vectorised common cases, or null
void h_ld(Warp&, const Inst&, u32);
void h_st(Warp&, const Inst&, u32);
void h_atom(Warp&, const Inst&, u32);
void h_cp_async(Warp&, const Inst&, u32);
void h_ldmatrix(Warp&, const Inst&, u32);
void h_stmatrix(Warp&, const Inst&, u32);
void h_movmatrix(Warp&, const Inst&, u32);
void h_mma(Warp&, const Inst&, u32);
void h_shfl(Warp&, const Inst&, u32);
void h_vote(Warp&, const Inst&, u32);
void h_match(Warp&, const Inst&, u32);
void h_redux(Warp&, const Inst&, u32);
void h_elect(Warp&, const Inst&, u32);
void h_activemask(Warp&, const Inst&, u32);
void h_printf(Warp&, const Inst&, u32);
void h_assert(Warp&, const Inst&, u32);
void h_trap(Warp&, const Inst&, u32);
void h_fence(Warp&, const Inst&, u32);
void h_nop(Warp&, const Inst&, u32);

}  // namespace ptxi
