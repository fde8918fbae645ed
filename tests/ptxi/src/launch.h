// Running a kernel.
#pragma once

#include "program.h"

namespace ptxi {

struct LaunchDims {
  unsigned grid[3], block[3];
  u64 smem;
  bool cooperative;
  u64 at_once;  // blocks that fit on the device
};
// `params` is the packed parameter buffer (Kernel::param_off gives the layout).
void launch(Kernel& k, const LaunchDims& dims, const u8* params);
extern u64 g_launch_id;        // number of the current launch, from 1
extern bool g_profiled;        // between cudaProfilerStart and cudaProfilerStop
extern u64 g_profiler_starts;  // so far

}  // namespace ptxi
