// Counters: how each is computed for a request, and the JSON file.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cxxabi.h>
#include <mutex>

#include "exec.h"

namespace ptxi {

using std::string;

const char* const kClassName[C_COUNT] = {"fp32", "fp64", "half",   "int", "cvt",  "mov",
                                         "sfu",  "ldst", "branch", "mma", "other"};

void Counters::add(const Counters& o) {
  for (int i = 0; i < C_COUNT; i++) {
    thread_inst[i] += o.thread_inst[i];
    warp_inst[i] += o.warp_inst[i];
  }
#define X(n) n += o.n;
  PTXI_COUNTERS(X)
#undef X
}

// One warp-level request to global memory: 32-byte sectors, and distinct bytes.
void Block::count_global(const u64* addr, u32 m, unsigned n, bool write) {
  u64 a[32];
  int na = 0;
  bool sorted = true;
  FOR_LANES(l, m) {
    if (na && addr[l] < a[na - 1]) sorted = false;
    a[na++] = addr[l];
  }
  if (!sorted) std::sort(a, a + na);
  u64 sectors = 0, useful = 0, last = ~0ull, prev = ~0ull;
  for (int i = 0; i < na; i++) {
    if (a[i] == prev) continue;
    prev = a[i];
    useful += n;  // accesses are aligned and of equal size: equal or disjoint
    const u64 s = a[i] >> 5;
    if (s == last) continue;
    last = s;
    sectors++;
    // The first touch of this sector in this launch?
    if (Alloc* al = find(a[i], 1)) {
      u32* tags = write ? al->wtag : al->rtag;
      if (tags) {
        u32* t = tags + (s - (al->base >> 5));
        const u32 id = (u32)g_launch_id;
        if (__atomic_load_n(t, __ATOMIC_RELAXED) != id && __atomic_exchange_n(t, id, __ATOMIC_RELAXED) != id)
          (write ? cnt.unique_sectors_written : cnt.unique_sectors_read)++;
      }
    }
  }
  const u64 lane_bytes = (u64)na * n;
  if (write) {
    cnt.global_st_requests++;
    cnt.global_st_sectors += sectors;
    cnt.global_st_lane_bytes += lane_bytes;
    cnt.global_st_useful_bytes += useful;
  } else {
    cnt.global_ld_requests++;
    cnt.global_ld_sectors += sectors;
    cnt.global_ld_lane_bytes += lane_bytes;
    cnt.global_ld_useful_bytes += useful;
  }
}

// One warp-level request to shared memory. 32 banks of 4 bytes; a wavefront serves one 4-byte word
// per bank. Accesses of up to 4 bytes go for the whole warp at once, 8-byte ones per half warp and
// 16-byte ones per quarter warp. Ideal: one wavefront for every part with an active lane.
void Block::count_shared(const u64* addr, u32 m, unsigned n, u64* wavefronts, u64* ideal) {
  const int lanes = n <= 4 ? 32 : n == 8 ? 16 : 8;
  const int words = n <= 4 ? 1 : (int)n / 4;
  for (int first = 0; first < 32; first += lanes) {
    u32 part = lanes == 32 ? m : m >> first & ((1u << lanes) - 1);
    if (!part) continue;
    u64 seen[32][32];  // distinct words per bank
    u8 count[32] = {};
    int worst = 1;
    FOR_LANES(l, part) {
      for (int i = 0; i < words; i++) {
        const u64 word = (addr[first + l] >> 2) + (u64)i;
        const int bank = (int)(word & 31);
        bool dup = false;
        for (int j = 0; j < count[bank]; j++) dup |= seen[bank][j] == word;
        if (!dup) seen[bank][count[bank]++] = word;
        worst = std::max(worst, (int)count[bank]);
      }
    }
    *wavefronts += (u64)worst;
    ++*ideal;
  }
}

string demangle(const string& s) {
  int st;
  char* d = abi::__cxa_demangle(s.c_str(), nullptr, nullptr, &st);
  string r = st == 0 && d ? d : s;
  free(d);
  return r;
}

// ---------------------------------------------------------------------------------------------
// The JSON file
// ---------------------------------------------------------------------------------------------
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
  FILE* f = fopen(opt().counters.c_str(), "w");
  if (!f) {
    fprintf(stderr, "[ptxi] cannot write %s\n", opt().counters.c_str());
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
  if (g_launches.size() < (size_t)opt().counters_launches)
    g_launches.push_back(one);
  else
    g_dropped++;
}

}  // namespace ptxi
