// Reports: each warning once, and at the end of the process how many there were.

#include "report.h"

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <set>
#include <unistd.h>

#include "options.h"

namespace ptxi {

using std::string;

void (*at_end)() = nullptr;
static std::mutex g_report_mutex;
static std::set<string>& g_reported = *new std::set<string>;
static pid_t g_reporter = 0;  // the process of the newest
void report_warning(const string& key, const string& text) {
  std::lock_guard<std::mutex> lock(g_report_mutex);
  if (!g_reported.insert(key).second) return;
  g_reporter = getpid();
  if ((int)g_reported.size() <= options().max_reports) fprintf(stderr, "[ptxi] WARNING %s\n", text.c_str());
  if ((int)g_reported.size() == options().max_reports)
    fprintf(stderr, "[ptxi] further warnings are not printed (PTXI_MAX_REPORTS)\n");
}
void report_error(const string& text) {
  std::lock_guard<std::mutex> lock(g_report_mutex);
  g_reported.insert("error " + text);
  g_reporter = getpid();
  fprintf(stderr, "[ptxi] ERROR %s\n", text.c_str());
}
u64 warnings_reported() {
  std::lock_guard<std::mutex> lock(g_report_mutex);
  return g_reported.size();
}

// At the end of the process: a summary, and optionally an exit code of its own. Not of a child that has
// reported nothing itself.
static void summarise() {
  if (at_end) at_end();
  std::lock_guard<std::mutex> lock(g_report_mutex);
  if (g_reporter != getpid()) return;
  fprintf(stderr, "[ptxi] %zu different warning(s) and error(s)\n", g_reported.size());
  if (!options().exit_code) return;
  fflush(nullptr);
  _exit(options().exit_code);
}
[[maybe_unused]] static const int g_registered = atexit(summarise);

}  // namespace ptxi
