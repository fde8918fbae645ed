// Memory of the host around host functions: while one runs it may touch what work after it needs; before,
// between and after functions nobody may.

#include "cudart/host_pages.h"
#include "cudart/host_watch.h"

namespace ptxi {

namespace {

using ByNumber = std::map<u64, Work*>;
ByNumber& g_closing = *new ByNumber;  // work that needs whole pages
// Work behind host functions: whose sums hold until one begins, and those where one has since begun.
ByNumber &g_until_function = *new ByNumber, &g_since_function = *new ByNumber;

template <class F>
void for_closing_after(const Work& function, F f) {
  for (const auto& [number, w] : g_closing)
    if (before(function, *w))
      for (const HostRange& r : w->watched) f(r);
}

// The last one before w: after it the bytes are looked at once more.
void expect_last_function(Work& w) {
  Work* function = newest_before(g_functions, w);
  if (!function) return;
  function->sums_after.push_back(&w);
  g_until_function[w.number] = &w;
}

}  // namespace

void expect_functions(Work& w, bool closes_pages) {
  if (closes_pages) g_closing[w.number] = &w;
  expect_last_function(w);
}

void forget_functions(const Work& w) {
  g_until_function.erase(w.number);
  g_since_function.erase(w.number);
  g_closing.erase(w.number);
}

bool function_writes(const Work& w) {
  return g_since_function.count(w.number);
}

void host_function_begins(const Work& w) {
  for (auto i = g_until_function.begin(); i != g_until_function.end();) {
    Work& after = *i->second;
    if (!before(w, after)) {
      ++i;
      continue;
    }
    for (HostRange& r : after.watched) {
      check_range(after, r);
      r.sum.reset();
    }
    g_since_function.insert(g_until_function.extract(i++));
  }
  for_closing_after(w, pages_open);
}

void host_function_done(Work& w) {
  for_closing_after(w, pages_close);
  for (Work* after : w.sums_after) {
    g_since_function.erase(after->number);
    take_sums(*after);
    expect_last_function(*after);
  }
}

void host_goes_on() {
  for (const auto& [number, w] : g_since_function) take_sums(*w);
  g_until_function.merge(g_since_function);
}

}  // namespace ptxi
