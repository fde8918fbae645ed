// Memory of the device that streams allocate and free: what uses it without an order after the one or before
// the other is reported.

#include <algorithm>

#include "cudart/stream_races.h"
#include "cudart/work.h"
#include "memory.h"
#include "report.h"

namespace ptxi {

using std::string;

namespace {

struct Uses {
  WorkRef allocation;           // null: by the host
  std::vector<WorkRef> newest;  // none ordered before another
};
std::map<u64, Uses>& g_uses = *new std::map<u64, Uses>;  // by the base of live allocations

void use(Alloc* a, const WorkRef& w) {
  if (a->kind != A_DEVICE) return;
  Uses& u = g_uses[a->base];
  if (u.allocation && u.allocation != w && !before(*u.allocation, *w))
    report_warning("use before allocation " + std::to_string(w->number),
                   "memory of a stream is used without an order after its allocation: " +
                       mem_describe(a->base) + " by " + text(*w) + "; it is that of " + text(*u.allocation));
  std::erase_if(u.newest, [&](const WorkRef& other) { return before(*other, *w); });
  u.newest.push_back(w);
}

void report_use(const WorkRef& user, u64 base, const string& free) {
  report_warning("free before use " + std::to_string(user->number) + " " + std::to_string(base),
                 "memory is freed without an order after its use: " + mem_describe(base) + " by " + free +
                     "; used by " + text(*user));
}

// Which bytes of an allocation a launch will write is not known.
void first_used(const Alloc& a) {
  if (const Work* now = work_being_done()) host_memory_about_to_change(*now, a.base, a.size);
}

size_t bytes_written(const Node& n) {
  return n.height ? (n.height - 1) * n.dpitch + n.width : 0;
}

}  // namespace

void note_allocation(void* p, const WorkRef& w) {
  g_uses[(u64)p].allocation = w;
}

void before_uses(const Work& w) {
  const Node& n = w.node;
  on_first_use = first_used;
  races_begin(w);
  if (n.kind == N_MEMCPY || n.kind == N_MEMSET) host_memory_about_to_change(w, (u64)n.dst, bytes_written(n));
}

void note_uses(const WorkRef& w) {
  const Node& n = w->node;
  races_end(w);
  if (n.kind == N_KERNEL)
    for (Alloc* a : mem_used_by_launch()) {
      use(a, w);
      host_memory_written(*w, a->base, a->size);
    }
  if (n.kind != N_MEMCPY && n.kind != N_MEMSET) return;
  host_memory_written(*w, (u64)n.dst, bytes_written(n));
  for (const void* p : {(const void*)n.dst, n.kind == N_MEMCPY && !n.staged ? n.src : nullptr})
    if (Alloc* a = mem_find((u64)p)) use(a, w);
}

void note_free(void* p, const WorkRef& w) {
  const Uses u = g_uses[(u64)p];
  if (u.allocation && !before(*u.allocation, *w)) report_use(u.allocation, (u64)p, text(*w));
  for (const WorkRef& user : u.newest)
    if (!before(*user, *w)) report_use(user, (u64)p, text(*w));
  forget_uses(p);
}

void forget_uses(void* p) {
  g_uses.erase((u64)p);
}

void forget_all_uses() {
  g_uses.clear();
}

}  // namespace ptxi
