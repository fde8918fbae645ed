// Work in streams that uses the same bytes, one writes, and nothing orders the two. Which bytes a launch uses
// is known with PTXI_RACE=1, those of copies and fills always. Pageable memory is left out.

#include "cudart/stream_races.h"

#include <algorithm>

#include "footprint.h"
#include "memory.h"
#include "report.h"

namespace ptxi {

namespace {

struct Use {
  WorkRef work;
  Footprint touched;
  u64 end;  // of what it touched
};
// What was done, by the first address, but for that of which later work in order touches all the same: who
// races with the one races with the other.
std::multimap<u64, Use>& g_uses = *new std::multimap<u64, Use>;
u64 g_longest = 0;    // from the first address to the end
size_t g_limit = 64;  // where it is looked for uses that nothing can race with any more
Footprint& g_launch = *new Footprint;

Footprint rows(Touch touch, const void* p, size_t pitch, const Node& n) {
  Footprint f;
  if (mem_find((u64)p) && n.width)
    for (size_t i = 0; i < n.height; i++)
      add_span(f.spans[touch], (u64)p + i * pitch, (u64)p + i * pitch + n.width);
  return f;
}

// The first address that both have, or 0.
u64 common(const Spans& a, const Spans& b) {
  for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end();) {
    if (i->begin < j->end && j->begin < i->end) return std::max(i->begin, j->begin);
    i->end <= j->begin ? ++i : ++j;
  }
  return 0;
}

u64 race_between(const Footprint& a, const Footprint& b) {
  constexpr Touch kRacing[][2] = {{WRITES, WRITES},        {WRITES, READS},         {READS, WRITES},
                                  {WRITES, STRONG_WRITES}, {STRONG_WRITES, WRITES}, {WRITES, STRONG_READS},
                                  {STRONG_READS, WRITES},  {READS, STRONG_WRITES},  {STRONG_WRITES, READS}};
  for (const auto& [x, y] : kRacing)
    if (const u64 address = common(a.spans[x], b.spans[y])) return address;
  return 0;
}

bool within(const Spans& a, const Spans& b) {
  auto j = b.begin();
  return std::all_of(a.begin(), a.end(), [&](const Span& s) {
    while (j != b.end() && j->end <= s.begin) ++j;
    return j != b.end() && j->begin <= s.begin && s.end <= j->end;
  });
}

bool within(const Footprint& a, const Footprint& b) {
  for (int t = READS; t <= STRONG_WRITES; t++)
    if (!within(a.spans[t], b.spans[t])) return false;
  return true;
}

void report(const Work& a, const Work& b, u64 address) {
  report_warning("unordered " + text(a.place) + text(b.place),
                 "memory is used without an order by two pieces of work, one of which writes it: " +
                     mem_describe(address) + " by " + text(a) + " and by " + text(b));
}

void drop_settled() {
  std::erase_if(g_uses, [](const auto& use) {
    const Work& w = *use.second.work;
    return was_waited_for(w) && std::all_of(g_pending.begin(), g_pending.end(),
                                            [&](const auto& p) { return before(w, *p.second); });
  });
  g_limit = std::max<size_t>(64, 2 * g_uses.size());
}

void note(const WorkRef& w, Footprint touched) {
  u64 begin = ~0ull, end = 0;
  for (Spans& s : touched.spans) {
    put_in_order(s);
    if (s.empty()) continue;
    begin = std::min(begin, s.front().begin);
    end = std::max(end, s.back().end);
  }
  if (!end) return;
  for (auto i = g_uses.lower_bound(begin - std::min(begin, g_longest));
       i != g_uses.end() && i->first < end;) {
    const Use& u = i->second;
    const bool ordered = before(*u.work, *w);
    if (u.end > begin && !ordered)
      if (const u64 address = race_between(u.touched, touched)) report(*u.work, *w, address);
    i = ordered && within(u.touched, touched) ? g_uses.erase(i) : std::next(i);
  }
  if (g_uses.size() >= g_limit) drop_settled();
  g_longest = std::max(g_longest, end - begin);
  g_uses.emplace(begin, Use{w, std::move(touched), end});
}

}  // namespace

void races_begin(const Work& w) {
  g_launch = Footprint();
  g_footprint = w.node.kind == N_KERNEL ? &g_launch : nullptr;
}

void races_end(const WorkRef& w) {
  const Node& n = w->node;
  if (n.kind == N_KERNEL) note(w, std::move(g_launch));
  if (n.kind == N_MEMCPY && !n.staged) note(w, rows(READS, n.src, n.spitch, n));
  if (n.kind == N_MEMCPY || n.kind == N_MEMSET) note(w, rows(WRITES, n.dst, n.dpitch, n));
}

void races_forget() {
  g_uses.clear();
  g_longest = 0;
}

}  // namespace ptxi
