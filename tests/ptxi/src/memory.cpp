// Allocations: those that live, sorted by address, and the newest of those freed.

#include "memory.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <mutex>
#include <vector>

#include "arena.h"
#include "global_shadow.h"
#include "launch.h"
#include "options.h"
#include "pinned.h"

namespace ptxi {

using std::string;

void (*on_first_use)(const Alloc& a) = nullptr;

namespace {

constexpr u64 kPage = 4096;
constexpr u64 kMost = 1ull << 47;  // what addresses reach: sums of sizes do not wrap around
u64 g_serial = 0;
std::vector<Alloc*>& g_live = *new std::vector<Alloc*>;   // sorted by base
std::vector<Alloc*>& g_freed = *new std::vector<Alloc*>;  // most recent ones, for messages
std::vector<Alloc*>& g_used = *new std::vector<Alloc*>;   // by the launch g_used_by
u64 g_used_by = 0;

void insert_live(Alloc* a) {
  auto i = std::upper_bound(g_live.begin(), g_live.end(), a->base,
                            [](u64 x, const Alloc* b) { return x < b->base; });
  g_live.insert(i, a);
}

string quoted(const Alloc* a) {
  static const char* kinds[] = {"device", "pinned host", "managed", "registered host", "variable"};
  string s = string(kinds[a->kind]) + " allocation #" + std::to_string(a->serial);
  if (!a->name.empty()) s += " '" + a->name + "'";
  return s + " of " + std::to_string(a->size) + " bytes";
}

}  // namespace

Alloc* mem_alloc(u64 size, AllocKind kind, const string& name) {
  if (size > kMost) return nullptr;
  auto a = std::make_unique<Alloc>();
  a->size = size;
  a->kind = kind;
  a->name = name;
  if (kind == A_DEVICE || kind == A_SYMBOL) {
    if (!arena_take(*a)) return nullptr;
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
  make_shadows(*a);
  insert_live(a.get());
  return a.release();
}

static bool remove_alloc(u64 base, bool (*match)(AllocKind, AllocKind), AllocKind kind, const string& by) {
  auto i =
      std::lower_bound(g_live.begin(), g_live.end(), base, [](const Alloc* b, u64 x) { return b->base < x; });
  if (i == g_live.end() || (*i)->base != base || !match((*i)->kind, kind)) return false;
  Alloc* a = *i;
  g_live.erase(i);
  std::erase(g_used, a);
  if (a->kind == A_DEVICE || a->kind == A_SYMBOL)
    arena_give_back(*a);
  else if (a->kind == A_PINNED && options().late_streams)
    pinned_unmap(*a);
  else if (a->kind != A_REGISTERED)
    free(a->store);
  a->freed_by = by;
  drop_shadows(*a);
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
  make_shadows(*a);
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

const Alloc* mem_find_freed(u64 addr) {
  const auto i = std::find_if(g_freed.rbegin(), g_freed.rend(),
                              [&](const Alloc* a) { return addr >= a->base && addr < a->base + a->size; });
  return i == g_freed.rend() ? nullptr : *i;
}

bool mem_overlaps(u64 base, u64 size) {
  auto i =
      std::lower_bound(g_live.begin(), g_live.end(), base, [](const Alloc* a, u64 x) { return a->base < x; });
  return mem_find(base) || (i != g_live.end() && (*i)->base - base < size);
}

// Threads of a launch wait until what is to be done before it touches the allocation is done.
void mem_use(Alloc& a) {
  static std::mutex mutex;
  if (__atomic_load_n(&a.used, __ATOMIC_ACQUIRE) == g_launch_id) return;
  const std::lock_guard<std::mutex> lock(mutex);
  if (a.used == g_launch_id) return;
  if (on_first_use) on_first_use(a);
  a.ld_sectors = a.st_sectors = 0;
  if (g_used_by != g_launch_id) g_used.clear();
  g_used_by = g_launch_id;
  g_used.push_back(&a);
  __atomic_store_n(&a.used, g_launch_id, __ATOMIC_RELEASE);
}

std::vector<Alloc*> mem_used_by_launch() {
  if (g_used_by != g_launch_id) return {};
  std::sort(g_used.begin(), g_used.end(), [](const Alloc* a, const Alloc* b) { return a->base < b->base; });
  return g_used;
}

string mem_describe(u64 addr) {
  char b[64];
  snprintf(b, sizeof b, "0x%llx", (unsigned long long)addr);
  string s = b;
  if (Alloc* a = mem_find(addr))
    return s + " (offset " + std::to_string(addr - a->base) + " of " + quoted(a) + ")";
  if (const Alloc* a = mem_find_freed(addr))
    return s + " (USE AFTER FREE: offset " + std::to_string(addr - a->base) + " of freed " + quoted(a) +
           (a->freed_by.empty() ? "" : ", freed by " + a->freed_by) + ")";
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

void mem_mark_init(Alloc* a, u64 off, u64 n) {
  if (a && a->init && off < a->size) memset(a->init + off, 1, std::min(n, a->size - off));
}

void mem_free_all() {
  std::vector<std::pair<u64, AllocKind>> all;
  for (Alloc* a : g_live)
    if (a->name.empty()) all.push_back({a->base, a->kind});  // no variable
  for (auto& p : all) mem_free(p.first, p.second);
}

}  // namespace ptxi
