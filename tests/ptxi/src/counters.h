// The counters of a launch.
#pragma once

#include "launch.h"

namespace ptxi {

// clang-format off
#define PTXI_COUNTERS(X)                                                                         \
  X(global_ld_requests) X(global_ld_sectors) X(global_ld_lane_bytes) X(global_ld_useful_bytes)   \
  X(global_st_requests) X(global_st_sectors) X(global_st_lane_bytes) X(global_st_useful_bytes)   \
  X(unique_sectors_read) X(unique_sectors_written)                                               \
  X(shared_ld_requests) X(shared_ld_wavefronts) X(shared_ld_ideal)                               \
  X(shared_st_requests) X(shared_st_wavefronts) X(shared_st_ideal)                               \
  X(ldmatrix_requests) X(ldmatrix_wavefronts) X(ldmatrix_ideal)                                  \
  X(stmatrix_requests) X(stmatrix_wavefronts) X(stmatrix_ideal)                                  \
  X(cp_async_requests) X(cp_async_bytes) X(cp_async_wavefronts) X(cp_async_ideal)                \
  X(global_atomic_requests) X(global_atomic_lanes) X(shared_atomic_requests)                     \
  X(shared_atomic_lanes) X(local_ld_requests) X(local_st_requests) X(local_bytes)                \
  X(const_ld_requests) X(barriers) X(warp_syncs) X(shuffles) X(votes) X(fences)                  \
  X(mma_instructions) X(mma_flops) X(branches) X(divergent_branches)
// clang-format on
struct Counters {
  u64 thread_inst[C_COUNT] = {}, warp_inst[C_COUNT] = {};
#define X(n) u64 n = 0;
  PTXI_COUNTERS(X)
#undef X
  void add(const Counters& o);
};
void counters_open();  // from now on there is something to write at the end of the process
// A launch; one Counters per instruction of the kernel.
void counters_record(const Kernel& k, const LaunchDims& d, const std::vector<Counters>& counters);

}  // namespace ptxi
