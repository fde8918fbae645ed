// Memory of the host that late work reads or writes: who overwrites, reads or frees it before the work is
// done is reported.

#include <algorithm>
#include <cstring>
#include <iterator>
#include <set>

#include "arena.h"
#include "cudart/host_pages.h"
#include "cudart/work.h"
#include "memory.h"
#include "report.h"

namespace ptxi {

using std::string;

namespace {

// What is watched, by address, and how long the longest range was.
std::multimap<u64, Work*>& g_watched = *new std::multimap<u64, Work*>;
u64 g_longest = 0;
std::multimap<u64, Work*>& g_writing = *new std::multimap<u64, Work*>;  // work that will write there
std::map<u64, Work*>& g_closing = *new std::map<u64, Work*>;  // work that needs whole pages, by number
// Work behind host functions: whose sums hold until one begins, and those where one has since begun.
std::set<Work*>&g_until_function = *new std::set<Work*>, &g_since_function = *new std::set<Work*>;

// Where the runtime itself finds the bytes, whether or not the program may see them.
const u8* bytes_of(u64 p) {
  const Alloc* a = mem_find(p);
  return a ? a->store + (p - a->base) : (const u8*)p;
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

// Not managed memory, of which the host and the device may use different parts at a time.
bool is_host(u64 p) {
  const Alloc* a = mem_find(p);
  return a ? a->kind == A_PINNED || a->kind == A_REGISTERED : !mem_is_device(p);
}

bool overlap(const HostRange& r, u64 base, u64 size) {
  return r.base < base + size && base < r.base + r.size;
}

void add_rows(std::vector<HostRange>& ranges, const void* p, size_t pitch, const Node& n, bool written) {
  if (!is_host((u64)p)) return;
  if (pitch == n.width || n.height == 1)
    ranges.push_back({(u64)p, n.width * n.height, written, {}});
  else
    for (size_t i = 0; i < n.height; i++) ranges.push_back({(u64)p + i * pitch, n.width, written, {}});
}

std::vector<HostRange> host_ranges(const Node& n) {
  std::vector<HostRange> ranges;
  if (!n.width || !n.height) return ranges;
  if (n.kind == N_MEMCPY && !n.staged) add_rows(ranges, n.src, n.spitch, n, false);
  if (n.kind == N_MEMCPY || n.kind == N_MEMSET) add_rows(ranges, n.dst, n.dpitch, n, true);
  return ranges;
}

string range_text(const HostRange& r) {
  const Alloc* a = mem_find(r.base);
  return std::to_string(r.size) + " bytes at " + (a ? mem_describe(r.base) : "pageable host memory");
}

string needs_text(const HostRange& r) {
  return r.written ? " has yet to write" : " has yet to read";
}

// An access that the pages stopped.
void host_touched(u64 addr, bool write) {
  for (const auto& [number, w] : g_pending)
    for (const HostRange& r : w->watched)
      if (overlap(r, addr, 1) && (write || r.written)) {
        const string where = current_code();
        report_warning("host touched " + where + std::to_string(number),
                       string("host code ") + (write ? "writes" : "reads") + " at " + where + " to " +
                           mem_describe(addr) + ", which " + text(*w) + needs_text(r));
        return;
      }
}

void take_sums(Work& w) {
  for (HostRange& r : w.watched)
    if (!r.covered) r.sum = sum_of(r);
}

bool covers(const Work& w, const HostRange& range) {
  return std::any_of(w.watched.begin(), w.watched.end(), [&](const HostRange& r) {
    return r.written && r.base == range.base && r.size >= range.size;
  });
}

// The newest work before w that will write all of a range of it, or null.
Work* covering(const Work& w, const HostRange& range) {
  const auto [begin, end] = g_writing.equal_range(range.base);
  for (auto i = end; i != begin;)
    if (Work* other = (--i)->second; before(*other, w) && covers(*other, range)) return other;
  return nullptr;
}

void add_watched(const HostRange& r, Work& w) {
  g_watched.emplace(r.base, &w);
  g_longest = std::max(g_longest, r.size);
}

void erase_from(std::multimap<u64, Work*>& works, u64 base, const Work& w) {
  const auto [begin, end] = works.equal_range(base);
  works.erase(std::find_if(begin, end, [&](const auto& p) { return p.second == &w; }));
}

// The last host function before w may still write the bytes: afterwards they are looked at once more.
void expect_functions(Work& w) {
  Work* function = newest_before(g_functions, w);
  if (!function) return;
  function->sums_after.push_back(&w);
  g_until_function.insert(&w);
}

void check(const Work& w, const HostRange& r) {
  if (!r.sum || sum_of(r) == *r.sum) return;
  const Place forcing = current_call();  // none in a thread that helps with a launch
  report_warning("overwritten " + std::to_string(w.number),
                 "host memory was overwritten before work in a stream that needs it was done: " +
                     range_text(r) + ", which " + text(w) + needs_text(r) +
                     (forcing.function.empty() ? "" : "; forced by " + text(forcing)));
}

// The ranges of work after `by` that overlap memory.
template <class F>
void for_watched_after(const Work& by, u64 base, u64 size, F f) {
  if (!size) return;
  auto i = g_watched.lower_bound(base - std::min(base, g_longest));
  for (; i != g_watched.end() && i->first < base + size; ++i)
    for (HostRange& r : i->second->watched)
      if (r.base == i->first && overlap(r, base, size) && before(by, *i->second)) f(*i->second, r);
}

}  // namespace

void watch(const WorkRef& w) {
  w->watched = host_ranges(w->node);
  if (w->watched.empty()) return;
  for (HostRange& r : w->watched) {
    if (pages_close(r, host_touched)) g_closing[w->number] = w.get();
    if (Work* other = covering(*w, r)) {
      r.covered = true;
      other->covers.push_back(w.get());
    } else {
      add_watched(r, *w);
    }
  }
  for (const HostRange& r : w->watched)
    if (r.written) g_writing.emplace(r.base, w.get());
  take_sums(*w);
  expect_functions(*w);
}

void unwatch(Work& w) {
  for (const HostRange& r : w.watched) {
    pages_open(r);
    if (!r.covered) erase_from(g_watched, r.base, w);
    if (r.written) erase_from(g_writing, r.base, w);
  }
  w.watched.clear();
  g_until_function.erase(&w);
  g_since_function.erase(&w);
  g_closing.erase(w.number);
}

void uncover(Work& w) {
  for (Work* after : w.covers)
    for (HostRange& r : after->watched) {
      if (!r.covered) continue;
      r.covered = false;
      add_watched(r, *after);
      if (!g_since_function.count(after)) r.sum = sum_of(r);
    }
}

void check_watched(const Work& w) {
  for (const HostRange& r : w.watched) check(w, r);
}

void host_memory_about_to_change(const Work& by, u64 base, u64 size) {
  for_watched_after(by, base, size, check);
}

void host_memory_written(const Work& by, u64 base, u64 size) {
  for_watched_after(by, base, size, [](const Work&, HostRange& r) {
    if (r.sum) r.sum = sum_of(r);
  });
}

void host_function_begins(const Work& w) {
  for (auto i = g_until_function.begin(); i != g_until_function.end();) {
    Work& after = **i;
    if (!before(w, after)) {
      ++i;
      continue;
    }
    for (HostRange& r : after.watched) {
      check(after, r);
      r.sum.reset();
    }
    g_since_function.insert(&after);
    i = g_until_function.erase(i);
  }
  for (const auto& p : g_closing)
    if (before(w, *p.second))
      for (const HostRange& r : p.second->watched) pages_open(r);
}

void host_function_done(Work& w) {
  for (const auto& p : g_closing)
    if (before(w, *p.second))
      for (const HostRange& r : p.second->watched) pages_close(r, host_touched);
  for (Work* after : w.sums_after) {
    g_since_function.erase(after);
    take_sums(*after);
    expect_functions(*after);
  }
}

void host_goes_on() {
  for (Work* w : g_since_function) take_sums(*w);
  g_until_function.merge(g_since_function);
}

void host_memory_freed(u64 base, u64 size) {
  std::vector<WorkRef> needing;
  for (const auto& p : g_pending)
    for (const HostRange& r : host_ranges(p.second->node))
      if (overlap(r, base, size)) needing.push_back(p.second);
  for (const WorkRef& w : needing) {
    report_warning("freed " + std::to_string(w->number),
                   text(current_call()) + " frees memory that work in a stream still needs: " +
                       mem_describe(base) + ", for " + text(*w));
    run_until_done(w);
  }
  host_goes_on();
}

void host_memory_gone(u64 addr) {
  const string what = "host memory was freed before work in a stream that needs it was done: ";
  const Work* now = work_being_done();
  std::vector<const Work*> works;  // what is being done, or what comes later, whose bytes are looked at
  if (now) works.push_back(now);
  for (const auto& p : g_pending) works.push_back(p.second.get());
  for (const Work* w : works)
    for (const HostRange& r : host_ranges(w->node))
      if (overlap(r, addr, 1))
        return report_error(what + range_text(r) + ", which " + text(*w) + needs_text(r));
  if (now && now->node.kind == N_KERNEL && is_host(addr) && mem_find(addr))
    report_error(what + mem_describe(addr) + ", which " + text(*now) + " uses");
}

}  // namespace ptxi
