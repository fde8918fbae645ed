// Bytes that work before will write over anyway: until then it does not matter what they are.

#include <algorithm>

#include "cudart/host_watch.h"

namespace ptxi {

namespace {

using ByAddress = std::multimap<u64, Work*>;
ByAddress& g_writing = *new ByAddress;  // work that will write there

bool writes_all(const Work& w, const HostRange& range) {
  return std::any_of(w.watched.begin(), w.watched.end(), [&](const HostRange& r) {
    return r.written && r.base == range.base && r.size >= range.size;
  });
}

// The newest work before w that will write all of a range of it, or null.
Work* covering(const Work& w, const HostRange& range) {
  const auto [begin, end] = g_writing.equal_range(range.base);
  for (auto i = end; i != begin;)
    if (Work* other = (--i)->second; before(*other, w) && writes_all(*other, range)) return other;
  return nullptr;
}

}  // namespace

bool cover(HostRange& r, Work& w) {
  Work* other = covering(w, r);
  if (!other) return false;
  r.covered = true;
  other->covers.push_back(&w);
  return true;
}

void uncover(Work& w) {
  for (Work* after : w.covers)
    for (HostRange& r : after->watched) {
      if (!r.covered) continue;
      r.covered = false;
      watch_range(r, *after);
    }
}

void note_writes(Work& w) {
  for (const HostRange& r : w.watched)
    if (r.written) g_writing.emplace(r.base, &w);
}

void forget_writes(const Work& w) {
  for (const HostRange& r : w.watched)
    if (r.written) {
      const auto [begin, end] = g_writing.equal_range(r.base);
      g_writing.erase(std::find_if(begin, end, [&](const auto& p) { return p.second == &w; }));
    }
}

}  // namespace ptxi
