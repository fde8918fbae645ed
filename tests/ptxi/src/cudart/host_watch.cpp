// Memory of the host that late work reads or writes: who overwrites it before the work is done is reported.

#include "cudart/host_watch.h"

#include "cudart/range_map.h"
#include "report.h"

namespace ptxi {

namespace {

struct Watched {
  Work* work;
  HostRange* range;  // of it
  bool operator==(const Watched&) const = default;
};
RangeMap<Watched>& g_watched = *new RangeMap<Watched>;

// The ranges of work after `by` that overlap memory.
template <class F>
void for_watched_after(const Work& by, u64 base, u64 size, F f) {
  if (!size) return;
  g_watched.for_overlapping(base, base + size, [&](const Watched& w) {
    if (before(by, *w.work)) f(*w.work, *w.range);
  });
}

}  // namespace

void watch(const WorkRef& w) {
  w->watched = host_ranges(w->node);
  if (w->watched.empty()) return;
  close_pages(*w);
  for (HostRange& r : w->watched)
    if (!cover(r, *w)) watch_range(r, *w);
  note_writes(*w);
  expect_functions(*w);
}

void unwatch(Work& w) {
  open_pages(w);
  for (HostRange& r : w.watched)
    if (!r.covered) g_watched.erase(r.base, r.base + r.size, {&w, &r});
  forget_writes(w);
  forget_functions(w);
  w.watched.clear();
}

void watch_range(HostRange& r, Work& w) {
  g_watched.add(r.base, r.base + r.size, {&w, &r});
  if (!function_writes(w)) r.sum = sum_of(r);
}

bool is_watched(u64 base, u64 size) {
  bool any = false;
  g_watched.for_overlapping(base, base + size, [&](const Watched&) { any = true; });
  return any;
}

void take_sums(Work& w) {
  for (HostRange& r : w.watched)
    if (!r.covered) r.sum = sum_of(r);
}

void check_range(const Work& w, const HostRange& r) {
  if (!r.sum || sum_of(r) == *r.sum) return;
  const Place forcing = current_call();  // none in a thread that helps with a launch
  report_warning("overwritten " + std::to_string(w.number),
                 "host memory was overwritten before work in a stream that needs it was done: " + text(r) +
                     ", which " + text(w) + needs_text(r) +
                     (!*forcing.function ? "" : "; forced by " + text(forcing)));
}

void check_watched(const Work& w) {
  for (const HostRange& r : w.watched) check_range(w, r);
}

void host_memory_about_to_change(const Work& by, u64 base, u64 size) {
  for_watched_after(by, base, size, check_range);
}

void host_memory_written(const Work& by, u64 base, u64 size) {
  for_watched_after(by, base, size, [](const Work&, HostRange& r) {
    if (r.sum) r.sum = sum_of(r);
  });
}

}  // namespace ptxi
