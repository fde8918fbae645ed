// Device memory: a reserved, inaccessible range of addresses that the program sees, and the same
// amount of ordinary memory that holds the bytes. A host access to device memory therefore faults.
// Addresses are not reused until the range is exhausted, so that stale pointers are recognised.

#include "memory.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>
#include <memory>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#include "host_faults.h"
#include "options.h"
#include "pinned.h"

namespace ptxi {

using std::string;

namespace {

constexpr u64 kAlign = 512, kRedZone = 512, kPage = 4096;
u8* g_device = nullptr;  // what the program sees
u8* g_store = nullptr;   // where the bytes are (the same range if the guard is off)
u64 g_arena = 0, g_next = 0, g_used = 0, g_serial = 0;
std::vector<Alloc*> g_live;   // sorted by base
std::vector<Alloc*> g_freed;  // most recent ones, for messages
std::map<u64, u64> g_holes;   // freed ranges, used only when the arena is exhausted

void arena_init() {
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

void insert_live(Alloc* a) {
  auto i = std::upper_bound(g_live.begin(), g_live.end(), a->base,
                            [](u64 x, const Alloc* b) { return x < b->base; });
  g_live.insert(i, a);
}

u64 shadow_bytes(u64 bytes) {
  return (bytes + kPage - 1) / kPage * kPage;
}

void make_shadows(Alloc* a) {
  // What the host writes to memory of its own is not seen, so only device memory is checked.
  if (options().init_check && (a->kind == A_DEVICE || a->kind == A_SYMBOL)) a->init = mem_shadow(a->size);
  if (!options().counters.empty()) {
    u64 sectors = (a->size + 31) / 32 + 2;
    a->rtag = (u32*)mem_shadow(sectors * 4);
    a->wtag = (u32*)mem_shadow(sectors * 4);
  }
  if (options().race_check) a->race = (RaceCell*)mem_shadow(a->size * sizeof(RaceCell));
}
void drop_shadows(Alloc* a) {
  u64 sectors = (a->size + 31) / 32 + 2;
  if (a->init) munmap(a->init, shadow_bytes(a->size));
  if (a->rtag) munmap(a->rtag, shadow_bytes(sectors * 4));
  if (a->wtag) munmap(a->wtag, shadow_bytes(sectors * 4));
  if (a->race) munmap(a->race, shadow_bytes(a->size * sizeof(RaceCell)));
  a->init = nullptr;
  a->rtag = a->wtag = nullptr;
  a->race = nullptr;
}

// Room for `need` bytes in the arena, or ~0.
u64 arena_take(u64 need) {
  if (g_next + need <= g_arena) {
    u64 o = g_next;
    g_next += need;
    return o;
  }
  for (auto i = g_holes.begin(); i != g_holes.end(); ++i) {
    if (i->second < need) continue;
    u64 o = i->first, n = i->second;
    g_holes.erase(i);
    if (n > need) g_holes[o + need] = n - need;
    return o;
  }
  return ~0ull;
}

string quoted(const Alloc* a) {
  static const char* kinds[] = {"device", "pinned host", "managed", "registered host", "variable"};
  string s = string(kinds[a->kind]) + " allocation #" + std::to_string(a->serial);
  if (!a->name.empty()) s += " '" + a->name + "'";
  return s + " of " + std::to_string(a->size) + " bytes";
}

}  // namespace

u8* mem_shadow(u64 bytes) {
  void* p = mmap(nullptr, shadow_bytes(bytes), PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) {
    fprintf(stderr, "[ptxi] out of memory for a shadow of %llu bytes\n", (unsigned long long)bytes);
    abort();
  }
  return (u8*)p;
}

Alloc* mem_alloc(u64 size, AllocKind kind, const string& name) {
  const bool device = kind == A_DEVICE || kind == A_SYMBOL;
  if (device && g_used + size > options().mem_bytes) return nullptr;
  auto a = std::make_unique<Alloc>();
  a->size = size;
  a->kind = kind;
  a->name = name;
  if (device) {
    arena_init();
    // Red zone, data, red zone. Big allocations start on a page so that freeing releases memory.
    u64 need = kRedZone + (size + kAlign - 1) / kAlign * kAlign + kRedZone;
    const bool big = size >= 4 * kPage;
    if (big) need = (need + 2 * kPage) / kPage * kPage;
    u64 o = arena_take(need);
    if (o == ~0ull) return nullptr;
    u64 start = big ? (o + kRedZone + kPage - 1) / kPage * kPage : o + kRedZone;
    a->base = (u64)g_device + start;
    a->store = g_store + start;
    g_used += size;
  } else if (kind == A_PINNED && options().late_streams) {
    if (!pinned_map(*a)) return nullptr;
  } else {
    u8* p = (u8*)aligned_alloc(kPage, (size + 2 * kPage - 1) / kPage * kPage);
    if (!p) return nullptr;
    a->base = (u64)p;
    a->store = p;
  }
  if (size <= 1ull << 30) memset(a->store, options().fill, size);
  a->serial = ++g_serial;
  make_shadows(a.get());
  insert_live(a.get());
  return a.release();
}

static bool remove_alloc(u64 base, bool (*match)(AllocKind, AllocKind), AllocKind kind, const string& by) {
  auto i =
      std::lower_bound(g_live.begin(), g_live.end(), base, [](const Alloc* b, u64 x) { return b->base < x; });
  if (i == g_live.end() || (*i)->base != base || !match((*i)->kind, kind)) return false;
  Alloc* a = *i;
  g_live.erase(i);
  if (a->kind == A_DEVICE || a->kind == A_SYMBOL) {
    g_used -= a->size;
    u64 start = (u64)(a->store - g_store), end = start + (a->size + kAlign - 1) / kAlign * kAlign;
    g_holes[start] = end - start;
    u64 p0 = (start + kPage - 1) / kPage * kPage, p1 = end / kPage * kPage;
    if (a->size >= 4 * kPage && p1 > p0)
      madvise(g_store + p0, p1 - p0, MADV_DONTNEED);
    else
      memset(a->store, 0xdd, a->size);
  } else if (a->kind == A_PINNED && options().late_streams) {
    pinned_unmap(*a);
  } else if (a->kind != A_REGISTERED) {
    free(a->store);
  }
  a->freed_by = by;
  drop_shadows(a);
  g_freed.push_back(a);
  if (g_freed.size() > 4096) {
    delete g_freed.front();
    g_freed.erase(g_freed.begin());
  }
  return true;
}

bool mem_free(u64 base, AllocKind kind, const string& by) {
  return remove_alloc(
      base,
      [](AllocKind have, AllocKind want) { return have == want || (want == A_DEVICE && have == A_MANAGED); },
      kind, by);
}

Alloc* mem_register(void* p, u64 size) {
  Alloc* a = new Alloc;
  a->base = (u64)p;
  a->store = (u8*)p;
  a->size = size;
  a->kind = A_REGISTERED;
  a->serial = ++g_serial;
  make_shadows(a);
  if (a->init) memset(a->init, 1, size);
  insert_live(a);
  return a;
}
bool mem_unregister(void* p) {
  return remove_alloc((u64)p, [](AllocKind have, AllocKind want) { return have == want; }, A_REGISTERED, "");
}

Alloc* mem_find(u64 addr) {
  auto i =
      std::upper_bound(g_live.begin(), g_live.end(), addr, [](u64 x, const Alloc* b) { return x < b->base; });
  if (i == g_live.begin()) return nullptr;
  Alloc* a = *--i;
  return addr < a->base + a->size ? a : nullptr;
}

bool mem_is_device(u64 addr) {
  return g_device && addr >= (u64)g_device && addr < (u64)g_device + g_arena;
}

std::vector<Alloc*> mem_used_by(u64 launch) {
  std::vector<Alloc*> used;
  std::copy_if(g_live.begin(), g_live.end(), std::back_inserter(used),
               [&](const Alloc* a) { return a->used == launch; });
  return used;
}

string mem_describe(u64 addr) {
  char b[64];
  snprintf(b, sizeof b, "0x%llx", (unsigned long long)addr);
  string s = b;
  if (Alloc* a = mem_find(addr))
    return s + " (offset " + std::to_string(addr - a->base) + " of " + quoted(a) + ")";
  for (size_t i = g_freed.size(); i-- > 0;) {
    const Alloc* a = g_freed[i];
    if (addr >= a->base && addr < a->base + a->size)
      return s + " (USE AFTER FREE: offset " + std::to_string(addr - a->base) + " of freed " + quoted(a) +
             (a->freed_by.empty() ? "" : ", freed by " + a->freed_by) + ")";
  }
  // The nearest live allocation within 1 MiB
  const Alloc* best = nullptr;
  u64 dist = 1 << 20;
  for (const Alloc* a : g_live) {
    u64 d = addr < a->base ? a->base - addr : addr - (a->base + a->size);
    if (d < dist) {
      dist = d;
      best = a;
    }
  }
  if (best)
    return s + " (" + std::to_string(addr < best->base ? dist : dist + 1) + " byte(s) " +
           (addr < best->base ? "before " : "past the end of ") + quoted(best) + ")";
  if (addr < 4096) return s + " (null pointer)";
  return s + " (not device-accessible memory)";
}

u64 mem_used() {
  return g_used;
}

void mem_mark_init(Alloc* a, u64 off, u64 n) {
  if (a && a->init && off < a->size) memset(a->init + off, 1, std::min(n, a->size - off));
}

void mem_free_all() {
  std::vector<std::pair<u64, AllocKind>> all;
  for (Alloc* a : g_live)
    if (a->kind != A_SYMBOL && a->kind != A_REGISTERED) all.push_back({a->base, a->kind});
  for (auto& p : all) mem_free(p.first, p.second);
}

}  // namespace ptxi
