// Work in streams that uses the same bytes, one writes, and nothing orders the two. Which bytes a launch uses
// is known with PTXI_RACE=1, those of copies and fills always. Pageable memory is left out.

#include "cudart/stream_races.h"

#include <algorithm>

#include "cudart/range_map.h"
#include "footprint.h"
#include "memory.h"
#include "report.h"

namespace ptxi {

namespace {

struct Use {
  WorkRef work;
  Spans spans;
};
// What was done, by how it touched the spans, but for that of which later work in order touches all in the
// same way: who races with the one races with the other.
RangeMap<Use>* const g_uses = new RangeMap<Use>[4];
size_t g_limit = 64;  // where it is looked for uses that nothing can race with any more
Footprint& g_launch = *new Footprint;

Spans rows(const void* p, size_t pitch, const Node& n) {
  Spans spans;
  if (mem_find((u64)p) && n.width)
    for (size_t i = 0; i < n.height; i++) add_span(spans, (u64)p + i * pitch, (u64)p + i * pitch + n.width);
  return spans;
}

bool may_race(Touch a, Touch b) {
  const bool write = a == WRITES || a == STRONG_WRITES || b == WRITES || b == STRONG_WRITES;
  return write && (a < STRONG_READS || b < STRONG_READS);
}

// The first address that both have, or 0.
u64 common(const Spans& a, const Spans& b) {
  for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end();) {
    if (i->begin < j->end && j->begin < i->end) return std::max(i->begin, j->begin);
    i->end <= j->begin ? ++i : ++j;
  }
  return 0;
}

bool within(const Spans& a, const Spans& b) {
  auto j = std::partition_point(b.begin(), b.end(), [&](const Span& s) { return s.end <= a.front().begin; });
  return std::all_of(a.begin(), a.end(), [&](const Span& s) {
    while (j != b.end() && j->end <= s.begin) ++j;
    return j != b.end() && j->begin <= s.begin && s.end <= j->end;
  });
}

void report(const Work& a, const Work& b, u64 address) {
  report_warning("unordered " + text(a.place) + text(b.place),
                 "memory is used without an order by two pieces of work, one of which writes it: " +
                     mem_describe(address) + " by " + text(a) + " and by " + text(b));
}

size_t number_of_uses() {
  size_t n = 0;
  for (int t = READS; t <= STRONG_WRITES; t++) n += g_uses[t].size();
  return n;
}

void drop_settled() {
  const std::vector<WorkRef> oldest = oldest_beyond({}, g_lanes);
  for (int t = READS; t <= STRONG_WRITES; t++)
    g_uses[t].erase_if([&](const Use& use) {
      return was_waited_for(*use.work) && std::all_of(oldest.begin(), oldest.end(), [&](const WorkRef& w) {
               return before(*use.work, *w);
             });
    });
  g_limit = std::max<size_t>(64, 2 * number_of_uses());
}

// Reports what was done and races with w, which touches all of `spans`, and notes that it touches some.
void note_some(const WorkRef& w, Touch touch, const Spans& spans, Spans some) {
  const u64 begin = some.front().begin, end = some.back().end;
  for (int other = READS; other <= STRONG_WRITES; other++)
    if (may_race(touch, (Touch)other))
      g_uses[other].for_overlapping(begin, end, [&](const Use& use) {
        if (before(*use.work, *w)) return;
        if (const u64 address = common(use.spans, some)) report(*use.work, *w, address);
      });
  g_uses[touch].erase_if(begin, end,
                         [&](const Use& use) { return before(*use.work, *w) && within(use.spans, spans); });
  g_uses[touch].add(begin, end, {w, std::move(some)});
}

// Spans that are far from each other are noted apart, in a few parts: what others use between them does not
// overlap those.
void note(const WorkRef& w, Touch touch, Spans spans) {
  put_in_order(spans);
  const long most = (long)(spans.size() + 15) / 16;
  for (auto i = spans.begin(); i != spans.end();) {
    const auto end = i + std::min(most, spans.end() - i);
    note_some(w, touch, spans, Spans(i, end));
    i = end;
  }
  if (number_of_uses() >= g_limit) drop_settled();
}

}  // namespace

void races_begin(const Work& w) {
  g_launch = Footprint();
  g_footprint = w.node.kind == N_KERNEL ? &g_launch : nullptr;
}

void races_end(const WorkRef& w) {
  const Node& n = w->node;
  if (n.kind == N_KERNEL)
    for (int t = READS; t <= STRONG_WRITES; t++) note(w, (Touch)t, std::move(g_launch.spans[t]));
  if (n.kind == N_MEMCPY && !n.staged) note(w, READS, rows(n.src, n.spitch, n));
  if (n.kind == N_MEMCPY || n.kind == N_MEMSET) note(w, WRITES, rows(n.dst, n.dpitch, n));
}

void races_forget() {
  for (int t = READS; t <= STRONG_WRITES; t++) g_uses[t].clear();
}

}  // namespace ptxi
