// Reads the options, once.

#include "options.h"

#include <algorithm>
#include <cstdlib>
#include <unistd.h>

namespace ptxi {

using std::string;

static i64 env_int(const char* n, i64 d) {
  const char* e = getenv(n);
  return e && *e ? strtoll(e, nullptr, 0) : d;
}
static string env_str(const char* n) {
  const char* e = getenv(n);
  return e ? e : "";
}

const Options& options() {
  static const Options o = [] {
    Options x;
    x.cc = (int)env_int("PTXI_CC", 80);
    x.shared_check = (int)env_int("PTXI_SHARED", 1);
    x.init_check = (int)env_int("PTXI_INIT", 0);
    x.race_check = (int)env_int("PTXI_RACE", 0);
    x.strict = (int)env_int("PTXI_STRICT", 0);
    x.order = (int)env_int("PTXI_ORDER", 0);
    x.seed = (int)env_int("PTXI_SEED", 1);
    x.threads = (int)env_int("PTXI_THREADS", std::min<long>(sysconf(_SC_NPROCESSORS_ONLN), 8));
    x.cp_early = env_str("PTXI_CPASYNC") == "early";
    x.latest_streams = env_str("PTXI_STREAMS") == "latest";
    x.late_streams = x.latest_streams || env_str("PTXI_STREAMS") == "late";
    x.trace = (int)env_int("PTXI_TRACE", 0);
    x.abort_on_error = (int)env_int("PTXI_ABORT", 0);
    x.exit_code = (int)env_int("PTXI_EXITCODE", 0);
    x.host_guard = (int)env_int("PTXI_HOSTGUARD", 1);
    x.fast = (int)env_int("PTXI_FAST", 1);
    x.fill = (int)env_int("PTXI_FILL", 0xff);
    x.tf32_check = (int)env_int("PTXI_TF32", 0);
    x.counters_launches = (int)env_int("PTXI_COUNTERS_LAUNCHES", 10000);
    x.counters_range = (int)env_int("PTXI_COUNTERS_RANGE", 0);
    x.max_reports = (int)env_int("PTXI_MAX_REPORTS", 100);
    x.mem_bytes = (u64)env_int("PTXI_MEM", 8192) << 20;
    x.max_steps = (u64)env_int("PTXI_MAX_STEPS", 0);
    x.counters = env_str("PTXI_COUNTERS");
    x.dump = env_str("PTXI_DUMP");
    x.mutate = env_str("PTXI_MUTATE");
    x.regs = env_str("PTXI_REGS");
    return x;
  }();
  return o;
}

}  // namespace ptxi
