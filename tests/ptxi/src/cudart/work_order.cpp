// What is ordered before what, whenever it is done: vector clocks over lanes.

#include <algorithm>

#include "cudart/work.h"

namespace ptxi {

namespace {

std::vector<u64>& g_newest = *new std::vector<u64>;  // of each lane, its newest work
std::vector<u64>& g_host = *new std::vector<u64>;    // and the newest that the host has waited for

void join(std::vector<u64>& clock, const std::vector<u64>& other) {
  if (clock.size() < other.size()) clock.resize(other.size());
  for (size_t i = 0; i < other.size(); i++) clock[i] = std::max(clock[i], other[i]);
}

bool reaches(const std::vector<u64>& clock, const Work& w) {
  return w.lane < clock.size() && clock[w.lane] >= w.time;
}

// The lane of work that comes after `after`, and after what `clock` reaches: one whose newest work is among
// those, or else is reached.
unsigned lane_after(const std::vector<WorkRef>& after, const std::vector<u64>& clock) {
  for (const WorkRef& a : after)
    if (g_newest[a->lane] == a->time) return a->lane;
  for (size_t i = 0; i < clock.size(); i++)
    if (clock[i] == g_newest[i]) return (unsigned)i;
  g_newest.push_back(0);
  return (unsigned)g_newest.size() - 1;
}

}  // namespace

void set_order(Work& w, const std::vector<WorkRef>& after) {
  w.clock = g_host;
  for (const WorkRef& a : after) join(w.clock, a->clock);
  w.lane = lane_after(after, w.clock);
  w.time = ++g_newest[w.lane];
  w.clock.resize(g_newest.size());
  w.clock[w.lane] = w.time;
}

bool before(const Work& a, const Work& b) {
  return reaches(b.clock, a);
}

Work* newest_before(const ByLane& works, const Work& w) {
  Work* newest = nullptr;
  for (auto i = works.begin(); i != works.end();) {
    const unsigned lane = i->first.first;
    const auto later = works.upper_bound({lane, lane < w.clock.size() ? w.clock[lane] : 0});
    if (later != i && (!newest || newest->number < std::prev(later)->second->number))
      newest = std::prev(later)->second.get();
    i = works.lower_bound({lane + 1, 0});
  }
  return newest;
}

std::vector<WorkRef> oldest_beyond(const std::vector<u64>& clock, const ByLane& works) {
  std::vector<WorkRef> oldest;
  for (auto i = works.begin(); i != works.end();) {
    const unsigned lane = i->first.first;
    const auto next_lane = works.lower_bound({lane + 1, 0});
    i = works.upper_bound({lane, lane < clock.size() ? clock[lane] : 0});
    if (i != next_lane) oldest.push_back(i->second);
    i = next_lane;
  }
  return oldest;
}

void host_waited(const Work& w) {
  join(g_host, w.clock);
}

bool was_waited_for(const Work& w) {
  return reaches(g_host, w);
}

void host_waited_for_everything() {
  g_host = g_newest;
}

}  // namespace ptxi
