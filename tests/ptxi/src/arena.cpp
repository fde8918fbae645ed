// A reserved, inaccessible range of addresses that the program sees, and the same amount of ordinary memory
// that holds the bytes. A host access to device memory therefore faults. Addresses are not reused until the
// range is exhausted, so that stale pointers are recognised.

#include "arena.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>
#include <sys/mman.h>
#include <unordered_map>

#include "host_faults.h"
#include "options.h"

namespace ptxi {

namespace {

constexpr u64 kAlign = 512, kRedZone = 512, kPage = 4096;
u8* g_device = nullptr;  // what the program sees
u8* g_store = nullptr;   // where the bytes are (the same range if the guard is off)
u64 g_arena = 0, g_next = 0, g_used = 0;
std::map<u64, u64>& g_holes = *new std::map<u64, u64>;  // freed ranges, used only when the arena is exhausted
// Pages of which live allocations have a part only, and how many do.
std::unordered_map<u64, int>& g_shared = *new std::unordered_map<u64, int>;

void reserve() {
  if (g_device) return;
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  for (g_arena = 4ull << 40; g_arena >= 16ull << 30; g_arena >>= 1) {
    void* s = mmap(nullptr, g_arena, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (s == MAP_FAILED) continue;
    g_store = (u8*)s;
    if (!options().host_guard) {
      g_device = g_store;
      return;
    }
    void* d = mmap(nullptr, g_arena, PROT_NONE, flags, -1, 0);
    if (d == MAP_FAILED) {
      munmap(s, g_arena);
      continue;
    }
    g_device = (u8*)d;
    host_faults_install();
    return;
  }
  fprintf(stderr, "[ptxi] cannot reserve address space for device memory\n");
  abort();
}

// Where `need` bytes are free, or ~0. The last hole may go on in what was never used.
u64 find_room(u64 need) {
  if (g_next + need <= g_arena) {
    u64 o = g_next;
    g_next += need;
    return o;
  }
  for (auto i = g_holes.begin(); i != g_holes.end(); ++i) {
    const u64 o = i->first, n = i->second;
    const bool goes_on = o + n == g_next && o + need <= g_arena;
    if (n < need && !goes_on) continue;
    g_holes.erase(i);
    if (n > need) g_holes[o + need] = n - need;
    g_next = std::max(g_next, o + need);
    return o;
  }
  return ~0ull;
}

void add_hole(u64 start, u64 end) {
  auto after = g_holes.lower_bound(start);
  if (after != g_holes.end() && after->first == end) {
    end += after->second;
    after = g_holes.erase(after);
  }
  if (after != g_holes.begin()) {
    const auto before = std::prev(after);
    if (before->first + before->second == start) {
      before->second = end - before->first;
      return;
    }
  }
  g_holes[start] = end - start;
}

template <class F>
void for_shared(u64 start, u64 end, F f) {
  const u64 first = start / kPage * kPage, last = end / kPage * kPage;
  if (first < start) f(first);
  if (last < end && (first == start || last > first)) f(last);
}

u64 end_of(const Alloc& a) {
  return (u64)(a.store - g_store) + (a.size + kAlign - 1) / kAlign * kAlign;
}

}  // namespace

bool arena_take(Alloc& a) {
  if (g_used + a.size > options().mem_bytes) return false;
  reserve();
  // Red zone, data, red zone.
  const u64 o = find_room(kRedZone + (a.size + kAlign - 1) / kAlign * kAlign + kRedZone);
  if (o == ~0ull) return false;
  const u64 start = o + kRedZone;
  a.base = (u64)g_device + start;
  a.store = g_store + start;
  g_used += a.size;
  for_shared(start, end_of(a), [](u64 page) { ++g_shared[page]; });
  return true;
}

void arena_give_back(const Alloc& a) {
  g_used -= a.size;
  const u64 start = (u64)(a.store - g_store), end = end_of(a);
  add_hole(start - kRedZone, end + kRedZone);
  const u64 p0 = (start + kPage - 1) / kPage * kPage, p1 = end / kPage * kPage;
  if (p1 > p0) madvise(g_store + p0, p1 - p0, MADV_DONTNEED);
  for_shared(start, end, [&](u64 page) {
    if (--g_shared[page]) {
      const u64 from = std::max(start, page);
      memset(g_store + from, 0xdd, std::min(end, page + kPage) - from);
    } else {
      g_shared.erase(page);
      madvise(g_store + page, kPage, MADV_DONTNEED);
    }
  });
}

bool mem_is_device(u64 addr) {
  return g_device && addr >= (u64)g_device && addr < (u64)g_device + g_arena;
}

u64 mem_used() {
  return g_used;
}

}  // namespace ptxi
