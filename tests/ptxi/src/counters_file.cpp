// The counters of all launches, and the JSON file that they are written to at the end (PTXI_COUNTERS).

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "counters.h"
#include "options.h"
#include "report.h"

namespace ptxi {

using std::string;

const char* const kClassName[C_COUNT] = {"fp32", "fp64", "half",   "int", "cvt",  "mov",
                                         "sfu",  "ldst", "branch", "mma", "other"};

namespace {

struct Record {
  string kernel, pretty;
  LaunchDims d{};
  u64 launches = 0, blocks = 0, threads = 0, max_dyn = 0, static_smem = 0, local_bytes = 0;
  Counters c;
};
std::mutex g_mutex;
std::map<string, Record> g_by_kernel;
std::vector<string> g_first_seen;
std::vector<Record> g_launches;
u64 g_dropped = 0;

string quote(const string& s) {
  string o = "\"";
  for (char ch : s) {
    if (ch == '"' || ch == '\\') o += '\\';
    o += ch;
  }
  return o + "\"";
}

void print_counters(FILE* f, const Record& r, const char* indent) {
  u64 total = 0, warp = 0;
  fprintf(f, "%s\"thread_instructions\": {", indent);
  for (int i = 0; i < C_COUNT; i++) {
    fprintf(f, "\"%s\": %llu, ", kClassName[i], (unsigned long long)r.c.thread_inst[i]);
    total += r.c.thread_inst[i];
  }
  fprintf(f, "\"total\": %llu},\n%s\"warp_instructions\": {", (unsigned long long)total, indent);
  for (int i = 0; i < C_COUNT; i++) {
    fprintf(f, "\"%s\": %llu, ", kClassName[i], (unsigned long long)r.c.warp_inst[i]);
    warp += r.c.warp_inst[i];
  }
  fprintf(f, "\"total\": %llu}", (unsigned long long)warp);
#define X(n) fprintf(f, ",\n%s\"%s\": %llu", indent, #n, (unsigned long long)r.c.n);
  PTXI_COUNTERS(X)
#undef X
  const Counters& c = r.c;
  u64 wave = c.shared_ld_wavefronts + c.shared_st_wavefronts + c.ldmatrix_wavefronts + c.stmatrix_wavefronts +
             c.cp_async_wavefronts;
  u64 ideal = c.shared_ld_ideal + c.shared_st_ideal + c.ldmatrix_ideal + c.stmatrix_ideal + c.cp_async_ideal;
  fprintf(f, ",\n%s\"shared_wavefronts\": %llu,\n%s\"shared_wavefronts_ideal\": %llu,\n", indent,
          (unsigned long long)wave, indent, (unsigned long long)ideal);
  fprintf(f, "%s\"shared_wavefronts_excess\": %llu\n", indent, (unsigned long long)(wave - ideal));
}

void write_json() {
  std::lock_guard<std::mutex> lock(g_mutex);
  FILE* f = fopen(options().counters.c_str(), "w");
  if (!f) {
    fprintf(stderr, "[ptxi] cannot write %s\n", options().counters.c_str());
    return;
  }
  fprintf(f, "{\n  \"warnings\": %llu,\n  \"kernels\": [\n", (unsigned long long)warnings_reported());
  for (size_t i = 0; i < g_first_seen.size(); i++) {
    const Record& r = g_by_kernel[g_first_seen[i]];
    fprintf(f, "    {\n      \"kernel\": %s,\n      \"signature\": %s,\n", quote(r.kernel).c_str(),
            quote(r.pretty).c_str());
    fprintf(f, "      \"launches\": %llu, \"blocks\": %llu, \"threads\": %llu,\n",
            (unsigned long long)r.launches, (unsigned long long)r.blocks, (unsigned long long)r.threads);
    fprintf(f,
            "      \"static_shared_bytes\": %llu, \"max_dynamic_shared_bytes\": %llu, "
            "\"local_bytes_per_thread\": %llu,\n",
            (unsigned long long)r.static_smem, (unsigned long long)r.max_dyn,
            (unsigned long long)r.local_bytes);
    print_counters(f, r, "      ");
    fprintf(f, "    }%s\n", i + 1 < g_first_seen.size() ? "," : "");
  }
  fprintf(f, "  ],\n  \"launches_not_listed\": %llu,\n  \"launches\": [\n", (unsigned long long)g_dropped);
  for (size_t i = 0; i < g_launches.size(); i++) {
    const Record& r = g_launches[i];
    fprintf(f, "    {\n      \"kernel\": %s,\n", quote(r.kernel).c_str());
    fprintf(f, "      \"grid\": [%u, %u, %u], \"block\": [%u, %u, %u],\n", r.d.grid[0], r.d.grid[1],
            r.d.grid[2], r.d.block[0], r.d.block[1], r.d.block[2]);
    fprintf(f, "      \"static_shared_bytes\": %llu, \"dynamic_shared_bytes\": %llu,\n",
            (unsigned long long)r.static_smem, (unsigned long long)r.d.smem);
    print_counters(f, r, "      ");
    fprintf(f, "    }%s\n", i + 1 < g_launches.size() ? "," : "");
  }
  fprintf(f, "  ]\n}\n");
  fclose(f);
}

}  // namespace

void counters_record(const Kernel& k, const LaunchDims& d, const Counters& c, double) {
  std::lock_guard<std::mutex> lock(g_mutex);
  static bool registered = false;
  if (!registered) {
    registered = true;
    atexit(write_json);
  }
  Record one;
  one.kernel = k.name;
  one.pretty = k.pretty;
  one.d = d;
  one.launches = 1;
  one.blocks = (u64)d.grid[0] * d.grid[1] * d.grid[2];
  one.threads = one.blocks * d.block[0] * d.block[1] * d.block[2];
  one.static_smem = k.shared_static;
  one.max_dyn = d.smem;
  one.local_bytes = k.local_bytes;
  one.c = c;
  auto i = g_by_kernel.find(k.name);
  if (i == g_by_kernel.end()) {
    g_first_seen.push_back(k.name);
    g_by_kernel[k.name] = one;
  } else {
    Record& r = i->second;
    r.launches++;
    r.blocks += one.blocks;
    r.threads += one.threads;
    r.max_dyn = std::max(r.max_dyn, d.smem);
    r.c.add(c);
  }
  if (g_launches.size() < (size_t)options().counters_launches)
    g_launches.push_back(one);
  else
    g_dropped++;
}

}  // namespace ptxi
