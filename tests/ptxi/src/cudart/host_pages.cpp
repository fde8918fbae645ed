// Protection of pages, and the faults that come of it.

#include "cudart/host_pages.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

#include "cudart/work.h"
#include "host_faults.h"
#include "memory.h"
#include "options.h"

namespace ptxi {

namespace {

constexpr u64 kPage = 4096;

struct Page {
  int read = 0, written = 0;  // by how much work
  bool given_up = false;      // an access was reported, and the same work needs the page
  int protection() const {
    if (given_up || !(read || written)) return PROT_READ | PROT_WRITE;
    return written ? PROT_NONE : PROT_READ;
  }
};

std::map<u64, Page>& g_pages = *new std::map<u64, Page>;

void protect(u64 page) {
  if (!mprotect((void*)page, kPage, g_pages[page].protection())) return;
  fprintf(stderr, "[ptxi] cannot protect a page of pinned memory: %s (vm.max_map_count)\n", strerror(errno));
  abort();
}

void add(u64 page, bool written, int n) {
  Page& p = g_pages[page];
  const int before = p.protection();
  (written ? p.written : p.read) += n;
  p.given_up = false;
  if (p.protection() != before) protect(page);
  if (!p.read && !p.written) g_pages.erase(page);
}

// Whether the access may be tried again.
bool look_at_fault(u64 addr, bool write) {
  const u64 page = addr / kPage * kPage;
  auto i = g_pages.find(page);
  if (i == g_pages.end()) {  // opened, perhaps, while this thread waited for the lock
    const Alloc* a = mem_find(addr);
    if (a && a->kind == A_PINNED) return true;
    host_memory_gone(addr);
    return false;
  }
  if (i->second.protection() & (write ? PROT_WRITE : PROT_READ)) return true;  // opened, likewise
  host_touched(addr, write);
  i->second.given_up = true;
  protect(page);
  return true;
}

// The thread may be one that a host function or a launch waits for.
bool on_fault(u64 addr, bool write) {
  bool again = false;
  with_lock_or_lent([&] { again = look_at_fault(addr, write); });
  return again;
}

template <class F>
void for_pages(const HostRange& r, F f) {
  const Alloc* a = mem_find(r.base);
  if (!options().host_guard || !a || a->kind != A_PINNED) return;
  for (u64 page = r.base / kPage * kPage; page < r.base + r.size; page += kPage)
    if (r.base <= std::max(page, a->base) && r.base + r.size >= std::min(page + kPage, a->base + a->size))
      f(page);
}

}  // namespace

bool pages_close(const HostRange& r) {
  on_host_fault = on_fault;
  if (options().host_guard) host_faults_install();  // the program may have installed its own handler
  bool any = false;
  for_pages(r, [&](u64 page) {
    add(page, r.written, 1);
    any = true;
  });
  return any;
}

void pages_open(const HostRange& r) {
  for_pages(r, [&](u64 page) { add(page, r.written, -1); });
}

}  // namespace ptxi
