// Memory of the host around host functions: while one runs it may touch what work after it needs; before,
// between and after functions nobody may.

#include "cudart/host_pages.h"
#include "cudart/host_watch.h"

namespace ptxi {

namespace {

using ByNumber = std::map<u64, Work*>;
// Work whose pages are closed, and that whose pages are open since a host function before it began.
ByNumber &g_closed = *new ByNumber, &g_opened = *new ByNumber;
// Work behind host functions: whose sums hold until one begins, and those where one has since begun.
ByNumber &g_until_function = *new ByNumber, &g_since_function = *new ByNumber;

// Moves the work after the function.
template <class F>
void begin_for(const Work& function, ByNumber& until, ByNumber& since, F f) {
  for (auto i = until.begin(); i != until.end();) {
    const auto here = i++;
    Work& after = *here->second;
    if (!before(function, after)) continue;
    for (HostRange& r : after.watched) f(after, r);
    since.insert(until.extract(here));
  }
}

}  // namespace

void close_pages(Work& w) {
  bool any = false;
  for (const HostRange& r : w.watched)
    if (pages_close(r)) any = true;
  if (any) g_closed[w.number] = &w;
}

void open_pages(const Work& w) {
  if (g_closed.erase(w.number))
    for (const HostRange& r : w.watched) pages_open(r);
  g_opened.erase(w.number);
}

void expect_functions(Work& w) {
  Work* function = newest_before(g_functions, w);
  if (!function) return;
  function->sums_after.push_back(&w);
  g_until_function[w.number] = &w;
}

void forget_functions(const Work& w) {
  g_until_function.erase(w.number);
  g_since_function.erase(w.number);
}

bool function_writes(const Work& w) {
  return g_since_function.count(w.number);
}

void host_function_begins(const Work& w) {
  begin_for(w, g_until_function, g_since_function, [](const Work& after, HostRange& r) {
    check_range(after, r);
    r.sum.reset();
  });
  begin_for(w, g_closed, g_opened, [](const Work&, const HostRange& r) { pages_open(r); });
}

void host_function_done(Work& w) {
  for (Work* after : w.sums_after) {
    g_since_function.erase(after->number);
    take_sums(*after);
    expect_functions(*after);
  }
}

void host_goes_on() {
  for (const auto& [number, w] : g_since_function) take_sums(*w);
  g_until_function.merge(g_since_function);
  for (const auto& [number, w] : g_opened)
    for (const HostRange& r : w->watched) pages_close(r);
  g_closed.merge(g_opened);
}

}  // namespace ptxi
