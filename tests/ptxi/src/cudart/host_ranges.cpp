// Which bytes of the host's memory copies and fills use, and their sums.

#include "cudart/host_ranges.h"

#include <cstring>

#include "arena.h"
#include "memory.h"

namespace ptxi {

using std::string;

namespace {

// Where the runtime itself finds the bytes, whether or not the program may see them.
const u8* bytes_of(u64 p) {
  const Alloc* a = mem_find(p);
  return a ? a->store + (p - a->base) : (const u8*)p;
}

void add_rows(std::vector<HostRange>& ranges, const void* p, size_t pitch, const Node& n, bool written) {
  if (!is_host((u64)p)) return;
  if (pitch == n.width || n.height == 1)
    ranges.push_back({(u64)p, n.width * n.height, written, {}});
  else
    for (size_t i = 0; i < n.height; i++) ranges.push_back({(u64)p + i * pitch, n.width, written, {}});
}

}  // namespace

bool is_host(u64 p) {
  const Alloc* a = mem_find(p);
  return a ? a->kind == A_PINNED || a->kind == A_REGISTERED : !mem_is_device(p);
}

std::vector<HostRange> host_ranges(const Node& n) {
  std::vector<HostRange> ranges;
  if (!n.width || !n.height) return ranges;
  if (n.kind == N_MEMCPY && !n.staged) add_rows(ranges, n.src, n.spitch, n, false);
  if (n.kind == N_MEMCPY || n.kind == N_MEMSET) add_rows(ranges, n.dst, n.dpitch, n, true);
  return ranges;
}

bool overlap(const HostRange& r, u64 base, u64 size) {
  return r.base < base + size && base < r.base + r.size;
}

u64 sum_of(const HostRange& r) {
  const u8* p = bytes_of(r.base);
  u64 sum = 0, i = 0, word = 0;
  for (; i + 8 <= r.size; i += 8) {
    memcpy(&word, p + i, 8);
    sum = (sum ^ word) * 0x9e3779b97f4a7c15ull;
    sum ^= sum >> 29;
  }
  for (; i < r.size; i++) sum = (sum ^ p[i]) * 0x9e3779b97f4a7c15ull;
  return sum;
}

string text(const HostRange& r) {
  const Alloc* a = mem_find(r.base);
  return std::to_string(r.size) + " bytes at " + (a ? mem_describe(r.base) : "pageable host memory");
}

string needs_text(const HostRange& r) {
  return r.written ? " has yet to write" : " has yet to read";
}

}  // namespace ptxi
