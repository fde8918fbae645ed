// A warp: its registers, where its lanes are, its pending copies, and what its lanes know of each other.
#pragma once

#include <memory>
#include <vector>

#include "causality.h"
#include "program.h"

namespace ptxi {

// A pending cp.async of one lane.
struct AsyncCopy {
  u64 dst, src;
  int bytes, src_bytes;
};

struct Block;
struct Warp {
  Block* block = nullptr;
  int id = 0;
  u32* file[2] = {nullptr, nullptr};  // registers and the kernel's constants
  u32 alive = 0;                      // lanes that have not exited
  u32 at_barrier = 0;                 // lanes waiting at a block barrier
  u32 parked = 0;                     // lanes waiting in a warp-wide operation for lanes of their own warp
  u32 passed = 0;       // lanes that ran on beyond an aligned barrier at which others are parked
  i32 parked_bar = -1;  // the instruction of that barrier
  i32 pc[32];
  u64 turns = 0;
  i32 other = 0;  // where the lanes are that last went on before those with the smallest index
  // In a random order:
  u32 ran = 0;        // lanes that have run since a group was chosen
  u64 path[32] = {};  // of lanes that have run together to the same place, the same
  u64 carry[32];      // condition code of add.cc and friends
  std::vector<std::vector<AsyncCopy>> groups[32];  // committed cp.async groups, oldest first
  bool copies = false;                             // this warp has used cp.async
  std::vector<AsyncCopy> open[32];                 // copies not committed yet
  // Ordering between the lanes of this warp: everything up to full_sync is ordered for all lanes;
  // lane_sync[b][a] is the time up to which lane b knows the accesses of lane a.
  u32 full_sync = 0;
  std::unique_ptr<std::vector<u32>> lane_sync;
  // known[v]: time up to which this warp knows the accesses of warp v; then there are lanes that have exited
  // before the rest of their warp. Of lane l of another warp v, it is known[v.known_as[l]].
  std::vector<u32> known;
  u16 known_as[32];
  u32 exited = 0;                    // such lanes of this warp
  bool arrived_on = false;           // at a barrier, without waiting
  std::unique_ptr<WarpOrder> order;  // by fences and strong accesses; null: by none

  // Whether a lane's access may be known where that of another, at the same time or before, is not.
  bool parted() const { return lane_sync || order || arrived_on; }

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

#define FOR_LANES(l, m)                    \
  for (u32 mm_ = (m); mm_; mm_ &= mm_ - 1) \
    if (int l = __builtin_ctz(mm_); true)

inline bool full_warp_op(const Instruction& in) {
  return in.op == O_mma || in.op == O_ldmatrix || in.op == O_stmatrix || in.op == O_movmatrix;
}
inline bool masked_warp_op(const Instruction& in) {
  return (in.op == O_shfl && in.ns > 3) || (in.op == O_vote && in.ns > 1) || in.op == O_match ||
         in.op == O_redux || in.op == O_elect || (in.op == O_bar && in.mode == 1);
}
// The lanes that a lane names in it.
inline u32 member_mask(Warp& w, const Instruction& in, int lane) {
  const u32 mask = (u32)w.get(in.op == O_bar ? in.s[0] : in.s[in.ns - 1], lane);
  return in.mask_short && mask ? mask & ~(1u << (31 - __builtin_clz(mask))) : mask;
}

}  // namespace ptxi
