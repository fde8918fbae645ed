// The counters of all launches, and the JSON file that they are written to at the end (PTXI_COUNTERS).

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <unistd.h>
#include <vector>

#include "counters.h"
#include "memory.h"
#include "options.h"
#include "report.h"

namespace ptxi {

using std::string;

const char* const kClassName[C_COUNT] = {"fp32", "fp64", "half",   "int", "cvt",  "mov",
                                         "sfu",  "ldst", "branch", "mma", "other"};

namespace {

// File and line, and where that is inlined.
using Line = std::tuple<string, int, string, int>;
struct Requested {
  u64 base, size, ld_sectors, st_sectors;
};
struct Record {
  string kernel, pretty, file;
  int line = 0;  // where it begins
  LaunchDims d{};
  u64 index = 0, range = 0, launches = 0, blocks = 0, threads = 0, max_dyn = 0, static_smem = 0,
      local_bytes = 0;
  Counters c;
  std::map<Line, Counters> lines;         // of a kernel
  std::vector<Requested> of_allocations;  // of a launch
};
std::mutex g_mutex;
std::map<string, Record>& g_by_kernel = *new std::map<string, Record>;
std::vector<string>& g_first_seen = *new std::vector<string>;
std::vector<Record>& g_launches = *new std::vector<Record>;
u64 g_dropped = 0;

string quote(const string& s) {
  string o = "\"";
  for (char ch : s) {
    if (ch == '"' || ch == '\\') o += '\\';
    o += ch;
  }
  return o + "\"";
}

using Number = unsigned long long;

void print_classes(FILE* f, const char* name, const u64 (&instructions)[C_COUNT], bool zeros) {
  u64 total = 0;
  fprintf(f, "\"%s\": {", name);
  for (int i = 0; i < C_COUNT; i++) {
    if (instructions[i] || zeros) fprintf(f, "\"%s\": %llu, ", kClassName[i], (Number)instructions[i]);
    total += instructions[i];
  }
  fprintf(f, "\"total\": %llu}", (Number)total);
}

// The members of an object; without `zeros`, those that are not zero.
void print_counters(FILE* f, const Counters& c, const char* separator, bool zeros) {
  print_classes(f, "thread_instructions", c.thread_inst, zeros);
  fputs(separator, f);
  print_classes(f, "warp_instructions", c.warp_inst, zeros);
  const auto print = [&](const char* name, u64 n) {
    if (n || zeros) fprintf(f, "%s\"%s\": %llu", separator, name, (Number)n);
  };
#define X(n) print(#n, c.n);
  PTXI_COUNTERS(X)
#undef X
  const u64 wavefronts = c.shared_ld_wavefronts + c.shared_st_wavefronts + c.ldmatrix_wavefronts +
                         c.stmatrix_wavefronts + c.cp_async_wavefronts;
  const u64 ideal =
      c.shared_ld_ideal + c.shared_st_ideal + c.ldmatrix_ideal + c.stmatrix_ideal + c.cp_async_ideal;
  print("shared_wavefronts", wavefronts);
  print("shared_wavefronts_ideal", ideal);
  print("shared_wavefronts_excess", wavefronts - ideal);
}

void print_kernel(FILE* f, const Record& r) {
  fprintf(f, "    {\n      \"kernel\": %s,\n      \"signature\": %s,\n", quote(r.kernel).c_str(),
          quote(r.pretty).c_str());
  fprintf(f, "      \"file\": %s, \"line\": %d,\n", quote(r.file).c_str(), r.line);
  fprintf(f, "      \"launches\": %llu, \"blocks\": %llu, \"threads\": %llu,\n", (Number)r.launches,
          (Number)r.blocks, (Number)r.threads);
  fprintf(f,
          "      \"static_shared_bytes\": %llu, \"max_dynamic_shared_bytes\": %llu, "
          "\"local_bytes_per_thread\": %llu,\n      ",
          (Number)r.static_smem, (Number)r.max_dyn, (Number)r.local_bytes);
  print_counters(f, r.c, ",\n      ", true);
  fprintf(f, ",\n      \"lines\": [");
  const char* separator = "";
  for (const auto& [line, counters] : r.lines) {
    const auto& [file, number, at_file, at_number] = line;
    fprintf(f, "%s\n        {\"file\": %s, \"line\": %d, ", separator, quote(file).c_str(), number);
    if (at_number)
      fprintf(f, "\"inlined_at\": {\"file\": %s, \"line\": %d}, ", quote(at_file).c_str(), at_number);
    print_counters(f, counters, ", ", false);
    fputs("}", f);
    separator = ",";
  }
  fprintf(f, "\n      ]\n    }");
}

void print_launch(FILE* f, const Record& r) {
  fprintf(f, "    {\n      \"index\": %llu, \"range\": %llu, \"kernel\": %s,\n", (Number)r.index,
          (Number)r.range, quote(r.kernel).c_str());
  fprintf(f, "      \"grid\": [%u, %u, %u], \"block\": [%u, %u, %u],\n", r.d.grid[0], r.d.grid[1],
          r.d.grid[2], r.d.block[0], r.d.block[1], r.d.block[2]);
  fprintf(f, "      \"static_shared_bytes\": %llu, \"dynamic_shared_bytes\": %llu,\n      ",
          (Number)r.static_smem, (Number)r.d.smem);
  print_counters(f, r.c, ",\n      ", true);
  fprintf(f, ",\n      \"allocations\": [");
  const char* separator = "";
  for (const Requested& a : r.of_allocations) {
    fprintf(f, "%s{\"base\": %llu, \"bytes\": %llu, \"ld_sectors\": %llu, \"st_sectors\": %llu}", separator,
            (Number)a.base, (Number)a.size, (Number)a.ld_sectors, (Number)a.st_sectors);
    separator = ", ";
  }
  fprintf(f, "]\n    }");
}

[[noreturn]] void cannot_write() {
  fprintf(stderr, "[ptxi] cannot write %s: %s\n", options().counters.c_str(), strerror(errno));
  fflush(nullptr);
  _exit(2);
}

void write_json() {
  std::lock_guard<std::mutex> lock(g_mutex);
  FILE* f = fopen(options().counters.c_str(), "w");
  if (!f) cannot_write();
  fprintf(f, "{\n  \"warnings\": %llu,\n  \"kernels\": [\n", (Number)warnings_reported());
  for (size_t i = 0; i < g_first_seen.size(); i++) {
    print_kernel(f, g_by_kernel[g_first_seen[i]]);
    fprintf(f, "%s\n", i + 1 < g_first_seen.size() ? "," : "");
  }
  fprintf(f, "  ],\n  \"launches_not_listed\": %llu,\n  \"launches\": [\n", (Number)g_dropped);
  for (size_t i = 0; i < g_launches.size(); i++) {
    print_launch(f, g_launches[i]);
    fprintf(f, "%s\n", i + 1 < g_launches.size() ? "," : "");
  }
  fprintf(f, "  ]\n}\n");
  const bool failed = ferror(f);
  if (fclose(f) != 0 || failed) cannot_write();
}

}  // namespace

void counters_open() {
  static const bool registered = atexit(write_json) == 0;
  (void)registered;
}

void counters_record(const Kernel& k, const LaunchDims& d, const std::vector<Counters>& counters) {
  std::lock_guard<std::mutex> lock(g_mutex);
  Record one;
  one.index = g_launch_id;
  one.range = g_profiled ? g_profiler_starts : 0;
  one.kernel = k.name;
  one.pretty = k.pretty;
  one.file = k.module->file(k.loc[0].file);
  one.line = k.loc[0].src_line;
  one.d = d;
  one.blocks = (u64)d.grid[0] * d.grid[1] * d.grid[2];
  one.threads = one.blocks * d.block[0] * d.block[1] * d.block[2];
  one.static_smem = k.shared_static;
  one.local_bytes = k.local_bytes;
  for (const Counters& c : counters) one.c.add(c);
  for (const Alloc* a : mem_used_by_launch())
    one.of_allocations.push_back({a->base, a->size, a->ld_sectors, a->st_sectors});
  if (g_launches.size() < (size_t)options().counters_launches)
    g_launches.push_back(one);
  else
    g_dropped++;

  const auto inserted = g_by_kernel.emplace(k.name, one);
  Record& r = inserted.first->second;
  if (inserted.second)
    g_first_seen.push_back(k.name);
  else {
    r.blocks += one.blocks;
    r.threads += one.threads;
    r.c.add(one.c);
  }
  r.launches++;
  r.max_dyn = std::max(r.max_dyn, d.smem);
  for (size_t i = 0; i < counters.size(); i++) {
    if (std::none_of(counters[i].warp_inst, counters[i].warp_inst + C_COUNT, [](u64 n) { return n; }))
      continue;
    Counters c = counters[i];
    // Which of several lines is the first to touch a sector depends on the order of blocks.
    c.unique_sectors_read = c.unique_sectors_written = 0;
    const SrcLoc& loc = k.loc[i];
    r.lines[{k.module->file(loc.file), loc.src_line, k.module->file(loc.at_file), loc.at_line}].add(c);
  }
}

}  // namespace ptxi
