// Reads the options, once.

#include "options.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <regex>
#include <set>
#include <unistd.h>

namespace ptxi {

using std::string;

void refuse(const string& what) {
  fflush(nullptr);
  fprintf(stderr, "[ptxi] %s (tests/ptxi/README.md, \"Switches\")\n", what.c_str());
  _exit(2);
}

namespace {

std::set<string>& g_names = *new std::set<string>;

string text(const char* name) {
  g_names.insert(name);
  const char* value = getenv(name);
  return value ? value : "";
}

i64 number(const char* name, i64 otherwise, i64 lowest, i64 highest) {
  const string value = text(name);
  if (value.empty()) return otherwise;
  char* end = nullptr;
  errno = 0;
  const i64 number = strtoll(value.c_str(), &end, 0);
  if (errno || *end || number < lowest || number > highest)
    refuse(string(name) + "=" + value + " is no number from " + std::to_string(lowest) + " to " +
           std::to_string(highest));
  return number;
}

int small(const char* name, int otherwise, int highest) {
  return (int)number(name, otherwise, 0, highest);
}

// The first is meant where nothing is said.
string one_of(const char* name, std::initializer_list<const char*> choices) {
  const string value = text(name);
  if (value.empty()) return *choices.begin();
  string all;
  for (const char* choice : choices) {
    if (value == choice) return value;
    all += string(all.empty() ? "" : ", ") + choice;
  }
  refuse(string(name) + "=" + value + " is none of " + all);
}

string readable(const char* name) {
  const string file = text(name);
  std::ifstream stream(file);
  stream.peek();  // a folder can be opened
  if (!file.empty() && stream.fail()) refuse(string(name) + ": " + file + " cannot be read");
  return file;
}

string writable(const char* name) {
  const string file = text(name);
  if (!file.empty() && !std::ofstream(file, std::ios::app))
    refuse(string(name) + ": " + file + " cannot be written");
  return file;
}

string folder(const char* name) {
  const string path = text(name);
  if (!path.empty() && access((path + "/").c_str(), W_OK | X_OK) != 0)
    refuse(string(name) + ": " + path + " is no folder that can be written to");
  return path;
}

// Whether the program has it shows later (mutants.cpp).
string mutant(const char* name) {
  const string value = text(name);
  const std::regex form("(list|used|[1-9][0-9]*|(barrier|syncwarp|commit|wait|fence|mask)@.*[^:@]:[0-9]+)?");
  if (!std::regex_match(value, form))
    refuse(string(name) + "=" + value + " is none of list, used, a number from 1 on, KIND@FILE:LINE");
  return value;
}

void check_names() {
  for (char** variable = environ; *variable; variable++) {
    const string name(*variable, strcspn(*variable, "="));
    if (name.compare(0, 5, "PTXI_") == 0 && !g_names.count(name)) refuse(name + " is no switch");
  }
}

Options read() {
  constexpr int most = 1 << 30;
  Options x;
  x.cc = atoi(one_of("PTXI_CC", {"80", "75", "89", "90"}).c_str());
  x.shared_check = small("PTXI_SHARED", 1, 2);
  x.init_check = small("PTXI_INIT", 0, 1);
  x.race_check = small("PTXI_RACE", 0, 1);
  x.strict = small("PTXI_STRICT", 0, 1);
  x.order = small("PTXI_ORDER", 0, 2);
  x.seed = small("PTXI_SEED", 1, most);
  x.threads = (int)number("PTXI_THREADS", std::min<long>(sysconf(_SC_NPROCESSORS_ONLN), 8), 1, 1024);
  x.cp_early = one_of("PTXI_CPASYNC", {"late", "early"}) == "early";
  const string streams = one_of("PTXI_STREAMS", {"now", "late", "latest"});
  x.latest_streams = streams == "latest";
  x.late_streams = streams != "now";
  x.trace = small("PTXI_TRACE", 0, 1);
  x.abort_on_error = small("PTXI_ABORT", 0, 1);
  x.exit_code = small("PTXI_EXITCODE", 0, 255);
  x.host_guard = small("PTXI_HOSTGUARD", 1, 1);
  x.fast = small("PTXI_FAST", 1, 1);
  x.fill = small("PTXI_FILL", 0xff, 0xff);
  x.tf32_check = small("PTXI_TF32", 0, 1);
  x.counters_launches = small("PTXI_COUNTERS_LAUNCHES", 10000, most);
  x.counters_range = small("PTXI_COUNTERS_RANGE", 0, 1);
  x.max_reports = small("PTXI_MAX_REPORTS", 100, most);
  x.mem_bytes = (u64)number("PTXI_MEM", 8192, 1, 1 << 24) << 20;
  x.max_steps = (u64)number("PTXI_MAX_STEPS", 0, 0, INT64_MAX);
  x.counters = writable("PTXI_COUNTERS");
  x.dump = folder("PTXI_DUMP");
  x.mutate = mutant("PTXI_MUTATE");
  x.regs = readable("PTXI_REGS");
  check_names();
  return x;
}

}  // namespace

const Options& options() {
  static const Options& o = *new Options(read());
  return o;
}

}  // namespace ptxi
