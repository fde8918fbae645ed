// The PTXI_* environment variables (README.md describes them).
#pragma once

#include "types.h"

namespace ptxi {

struct Options {
  int cc, shared_check, init_check, race_check, strict, order, seed, threads, cp_early, trace;
  int abort_on_error, exit_code, host_guard, fast, fill, tf32_check, counters_launches;
  int counters_range, max_reports, late_streams, latest_streams;
  u64 mem_bytes, max_steps;
  std::string counters, dump, mutate, regs;
};
const Options& options();
// What would be ignored ends the process: a check that is off by a misspelling would find nothing.
[[noreturn]] void refuse(const std::string& what);

}  // namespace ptxi
