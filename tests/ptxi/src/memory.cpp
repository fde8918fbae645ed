// Device memory: a reserved, inaccessible range of addresses that the program sees, and the same
// amount of ordinary memory that holds the bytes. A host access to device memory therefore faults.
// Addresses are not reused until the range is exhausted, so that stale pointers are recognised.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "exec.h"

namespace ptxi {

using std::string;

// ---------------------------------------------------------------------------------------------
// Options and warnings
// ---------------------------------------------------------------------------------------------
static i64 env_int(const char* n, i64 d) {
  const char* e = getenv(n);
  return e && *e ? strtoll(e, nullptr, 0) : d;
}
static string env_str(const char* n) {
  const char* e = getenv(n);
  return e ? e : "";
}

const Options& opt() {
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
    x.trace = (int)env_int("PTXI_TRACE", 0);
    x.abort_on_error = (int)env_int("PTXI_ABORT", 0);
    x.exit_code = (int)env_int("PTXI_EXITCODE", 0);
    x.host_guard = (int)env_int("PTXI_HOSTGUARD", 1);
    x.fast = (int)env_int("PTXI_FAST", 1);
    x.fill = (int)env_int("PTXI_FILL", 0xff);
    x.tf32_check = (int)env_int("PTXI_TF32", 0);
    x.counters_launches = (int)env_int("PTXI_COUNTERS_LAUNCHES", 10000);
    x.max_reports = (int)env_int("PTXI_MAX_REPORTS", 100);
    x.mem_bytes = (u64)env_int("PTXI_MEM", 8192) << 20;
    x.max_steps = (u64)env_int("PTXI_MAX_STEPS", 0);
    x.counters = env_str("PTXI_COUNTERS");
    x.dump = env_str("PTXI_DUMP");
    x.regs = env_str("PTXI_REGS");
    return x;
  }();
  return o;
}

static std::mutex g_report_mutex;
static std::set<string> g_reported;
void report_warning(const string& key, const string& text) {
  std::lock_guard<std::mutex> lock(g_report_mutex);
  if (!g_reported.insert(key).second) return;
  if ((int)g_reported.size() <= opt().max_reports) fprintf(stderr, "[ptxi] WARNING %s\n", text.c_str());
  if ((int)g_reported.size() == opt().max_reports)
    fprintf(stderr, "[ptxi] further warnings are not printed (PTXI_MAX_REPORTS)\n");
}
// At the end of the process: a summary, and optionally an exit code of its own.
static struct Summary {
  ~Summary() {
    if (g_reported.empty()) return;
    fprintf(stderr, "[ptxi] %zu different warning(s) and error(s)\n", g_reported.size());
    if (!opt().exit_code) return;
    fflush(nullptr);
    _exit(opt().exit_code);
  }
} g_summary;
void report_error(const string& text) {
  std::lock_guard<std::mutex> lock(g_report_mutex);
  g_reported.insert("error " + text);
  fprintf(stderr, "[ptxi] ERROR %s\n", text.c_str());
}
u64 warnings_reported() {
  std::lock_guard<std::mutex> lock(g_report_mutex);
  return g_reported.size();
}

// ---------------------------------------------------------------------------------------------
// The arena
// ---------------------------------------------------------------------------------------------
namespace {

constexpr u64 kAlign = 512, kRedZone = 512, kPage = 4096;
u8* g_device = nullptr;  // what the program sees
u8* g_store = nullptr;   // where the bytes are (the same range if the guard is off)
u64 g_arena = 0, g_next = 0, g_used = 0, g_serial = 0;
std::vector<Alloc*> g_live;   // sorted by base
std::vector<Alloc*> g_freed;  // most recent ones, for messages
std::map<u64, u64> g_holes;   // freed ranges, used only when the arena is exhausted

struct sigaction g_old_segv;
void on_segv(int sig, siginfo_t* si, void* ctx) {
  u64 a = (u64)si->si_addr;
  if (g_device && a >= (u64)g_device && a < (u64)g_device + g_arena) {
    string s = "[ptxi] ERROR host code accessed device memory at " + mem_describe(a) + "\n";
    if (write(2, s.data(), s.size()) < 0) _exit(139);
  }
  if (g_old_segv.sa_flags & SA_SIGINFO && g_old_segv.sa_sigaction) {
    g_old_segv.sa_sigaction(sig, si, ctx);
  } else {
    signal(SIGSEGV, g_old_segv.sa_handler == SIG_IGN ? SIG_DFL : g_old_segv.sa_handler);
  }
}

void arena_init() {
  if (g_device) return;
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  for (g_arena = 4ull << 40; g_arena >= 16ull << 30; g_arena >>= 1) {
    void* s = mmap(nullptr, g_arena, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (s == MAP_FAILED) continue;
    g_store = (u8*)s;
    if (!opt().host_guard) {
      g_device = g_store;
      return;
    }
    void* d = mmap(nullptr, g_arena, PROT_NONE, flags, -1, 0);
    if (d == MAP_FAILED) {
      munmap(s, g_arena);
      continue;
    }
    g_device = (u8*)d;
    struct sigaction sa = {};
    sa.sa_sigaction = on_segv;
    sa.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGSEGV, &sa, &g_old_segv);
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
  if (opt().init_check && (a->kind == A_DEVICE || a->kind == A_SYMBOL)) a->init = mem_shadow(a->size);
  if (!opt().counters.empty()) {
    u64 sectors = (a->size + 31) / 32 + 2;
    a->rtag = (u32*)mem_shadow(sectors * 4);
    a->wtag = (u32*)mem_shadow(sectors * 4);
  }
  if (opt().race_check) a->race = (RaceCell*)mem_shadow(a->size * sizeof(RaceCell));
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
  if (device && g_used + size > opt().mem_bytes) return nullptr;
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
  } else {
    u8* p = (u8*)aligned_alloc(kPage, (size + 2 * kPage - 1) / kPage * kPage);
    if (!p) return nullptr;
    a->base = (u64)p;
    a->store = p;
  }
  if (size <= 1ull << 30) memset(a->store, opt().fill, size);
  a->serial = ++g_serial;
  make_shadows(a.get());
  insert_live(a.get());
  return a.release();
}

static bool remove_alloc(u64 base, bool (*match)(AllocKind, AllocKind), AllocKind kind) {
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
  } else if (a->kind != A_REGISTERED) {
    free(a->store);
  }
  drop_shadows(a);
  g_freed.push_back(a);
  if (g_freed.size() > 4096) {
    delete g_freed.front();
    g_freed.erase(g_freed.begin());
  }
  return true;
}

bool mem_free(u64 base, AllocKind kind) {
  return remove_alloc(
      base,
      [](AllocKind have, AllocKind want) { return have == want || (want == A_DEVICE && have == A_MANAGED); },
      kind);
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
  return remove_alloc((u64)p, [](AllocKind have, AllocKind want) { return have == want; }, A_REGISTERED);
}

Alloc* mem_find(u64 addr) {
  auto i =
      std::upper_bound(g_live.begin(), g_live.end(), addr, [](u64 x, const Alloc* b) { return x < b->base; });
  if (i == g_live.begin()) return nullptr;
  Alloc* a = *--i;
  return addr < a->base + a->size ? a : nullptr;
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
             ")";
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

// ---------------------------------------------------------------------------------------------
// Address translation and the checks of a global access
// ---------------------------------------------------------------------------------------------
Alloc* Block::find(u64 a, u64 n) {
  for (int i = 0; i < 2; i++) {
    Alloc* x = last_alloc[i];
    if (x && a >= x->base && a + n <= x->base + x->size) {
      if (i) std::swap(last_alloc[0], last_alloc[1]);
      return x;
    }
  }
  Alloc* x = mem_find(a);
  if (!x || a + n > x->base + x->size) return nullptr;
  last_alloc[1] = last_alloc[0];
  last_alloc[0] = x;
  return x;
}

u8* Block::address(Warp& w, int l, const Inst& in, Space sp, u64 a, unsigned n, bool write, bool atomic) {
  if (a % n)
    err(in, E_MISALIGNED,
        "misaligned address " + mem_describe(a) + " for an access of " + std::to_string(n) + " bytes", &w, l);
  u64 window = a >> 56;
  if (sp == SP_GENERIC)
    sp = window == 1 ? SP_SHARED : window == 2 ? SP_LOCAL : window == 3 ? SP_PARAM : SP_GLOBAL;
  if (window >= 1 && window <= 3 && sp != SP_GLOBAL && sp != SP_CONST) a &= (1ull << 56) - 1;
  switch (sp) {
    case SP_SHARED: {
      u64 o = a - kSharedStart;
      if (a < kSharedStart || o + n > shared_total)
        err(in, E_ILLEGAL_ADDRESS,
            string("shared ") + (write ? "write" : "read") + " out of bounds: offset " +
                std::to_string((i64)o) + " of " + std::to_string(shared_total) + " bytes",
            &w, l);
      if (opt().shared_check) shadow_access(w, l, in, o, n, write, atomic);
      return shared.data() + o;
    }
    case SP_LOCAL:
      if (a + n > k.local_bytes)
        err(in, E_ILLEGAL_ADDRESS,
            "local access out of bounds: offset " + std::to_string(a) + " of " +
                std::to_string(k.local_bytes),
            &w, l);
      return local.data() + (size_t)(w.id * 32 + l) * k.local_bytes + a;
    case SP_PARAM:
      if (a + n > k.param_bytes) err(in, E_ILLEGAL_ADDRESS, "parameter access out of bounds", &w, l);
      if (write) err(in, E_ILLEGAL_ADDRESS, "write to a kernel parameter", &w, l);
      return const_cast<u8*>(params) + a;
    default: {
      Alloc* al = find(a, n);
      if (!al)
        err(in, E_ILLEGAL_ADDRESS,
            string("global ") + (write ? "write" : "read") + " of " + std::to_string(n) +
                " bytes out of bounds at " + mem_describe(a),
            &w, l);
      if (opt().init_check || opt().race_check) global_checks(w, l, in, al, a, n, write, atomic);
      return al->store + (a - al->base);
    }
  }
}

void Block::global_checks(Warp& w, int l, const Inst& in, Alloc* al, u64 a, unsigned n, bool write,
                          bool atomic) {
  u64 o = a - al->base;
  if (al->init) {
    if (!write || in.op == O_atom || in.op == O_red)
      for (unsigned i = 0; i < n; i++)
        if (!al->init[o + i]) {
          warn(in, "read of uninitialised global memory at " + mem_describe(a), &w, l);
          break;
        }
    if (write) memset(al->init + o, 1, n);
  }
  if (al->race) {
    if (atomic) return;
    const u32 me = (u32)linear + 1;
    const u64 now = race_now();
    // Times are relative to the launch; cells of an older launch are recognised by a time
    // before its start (see race_start).
    for (unsigned i = 0; i < n; i++) {
      RaceCell& c = al->race[o + i];
      extern u32 g_race_base;
      bool live_w = c.writer && c.wtime > g_race_base, live_r = c.reader && c.rtime > g_race_base;
      if (live_w && c.writer != me && !race_ordered(c.writer - 1, c.wtime, me - 1)) {
        warn(in,
             string("global-memory race: ") + (write ? "write" : "read") + " of " + mem_describe(a) +
                 " after a write by block " + std::to_string(c.writer - 1) + " of the same launch",
             &w, l);
        break;
      }
      if (write && live_r && c.reader != me && !race_ordered(c.reader - 1, c.rtime, me - 1)) {
        warn(in,
             "global-memory race: write of " + mem_describe(a) + " after a read by block " +
                 std::to_string(c.reader - 1) + " of the same launch",
             &w, l);
        break;
      }
      if (write) {
        c.writer = me;
        c.wtime = (u32)now;
      } else {
        c.reader = me;
        c.rtime = (u32)now;
      }
    }
  }
}

// ---------------------------------------------------------------------------------------------
// Order between blocks created by fences and atomics (cross-block race check). A block that does
// an atomic on an address, with a fence before or acquire/release semantics, knows everything the
// blocks did that came to that address before it.
// ---------------------------------------------------------------------------------------------
u32 g_race_base = 0;
static u32 g_race_time = 1;
static std::map<u64, std::map<u32, u64>> g_sync;          // address: block, time of its atomic
static std::map<u32, std::map<u32, u64>> g_known_blocks;  // block: block, time

u64 race_now() {
  return g_race_time;
}
void race_start() {
  g_race_base = g_race_time;
  g_race_time++;
  g_sync.clear();
  g_known_blocks.clear();
}
void race_sync(u64 addr, u32 block) {
  auto& s = g_sync[addr];
  auto& kb = g_known_blocks[block];
  for (auto& p : s) {
    u64& t = kb[p.first];
    t = std::max(t, p.second);
  }
  for (auto& p : kb) {  // what this block knows travels on with it
    u64& t = s[p.first];
    t = std::max(t, p.second);
  }
  s[block] = g_race_time++;
}
bool race_ordered(u32 from, u64 time, u32 to) {
  auto i = g_known_blocks.find(to);
  if (i == g_known_blocks.end()) return false;
  auto j = i->second.find(from);
  return j != i->second.end() && j->second >= time;
}

}  // namespace ptxi
