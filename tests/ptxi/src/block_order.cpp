// What the threads of a block know of each other's accesses by its barriers and what synchronises a warp; and
// that they pass on what they know of others. Shadow::now is a clock that goes back only between blocks; it
// advances at every synchronisation.
#include <algorithm>

#include "block.h"

namespace ptxi {

static void join_times(std::vector<u32>& to, const std::vector<u32>& from) {
  to.resize(std::max(to.size(), from.size()));
  for (size_t i = 0; i < from.size(); i++) to[i] = std::max(to[i], from[i]);
}

void Block::order_start() {
  if (sh.now > 3000000000u) sh.now = 1;
  sh.full_barrier = sh.now++;
  shared_places.clear();
  for (Warp& w : warps) {
    w.full_sync = sh.full_barrier;
    w.lane_sync.reset();
    w.known.assign(warps.size(), sh.full_barrier);
    std::fill_n(w.known_as, 32, (u16)w.id);
    w.exited = 0;
    w.arrived_on = false;
    w.order.reset();
  }
}

static u32* lane_times(Warp& w) {
  if (!w.lane_sync) w.lane_sync = std::make_unique<std::vector<u32>>(32 * 32, w.full_sync);
  return w.lane_sync->data();
}

// All lanes of the warp know each other's accesses up to now, of those that have not exited.
static void order_all_lanes(Warp& w, u32 now) {
  w.full_sync = now;
  if (!w.exited) w.lane_sync.reset();
}

// The lanes exit before the rest of their warp, whose synchronisations are no longer theirs: what is known of
// the warp now is all that is known of them.
void Block::order_exit(Warp& w, u32 lanes) {
  u32* times = lane_times(w);
  const auto known_apart = [&](std::vector<u32>& known) { known.push_back(known[(size_t)w.id]); };
  FOR_LANES(l, lanes) {
    for (int to = 0; to < 32; to++) times[to * 32 + l] = std::max(times[to * 32 + l], w.full_sync);
    w.known_as[l] = (u16)w.known.size();
    for (Warp& v : warps) known_apart(v.known);
    w.known.back() = w.full_sync;
    for (Barrier& bar : bars)
      if (!bar.arrivals.known.empty()) known_apart(bar.arrivals.known);
  }
  w.exited |= lanes;
}

// What single lanes know of lanes of their warp that have exited, the warp comes to know, and all of it tells
// them.
static void pool_exited(Warp& w) {
  FOR_LANES(e, w.exited) FOR_LANES(l, w.alive) {
    u32& known = w.known[w.known_as[e]];
    known = std::max(known, (*w.lane_sync)[(size_t)(l * 32 + e)]);
  }
}
static void tell_of_exited(Warp& w) {
  FOR_LANES(e, w.exited) FOR_LANES(l, w.alive)(*w.lane_sync)[(size_t)(l * 32 + e)] = w.known[w.known_as[e]];
}

// Whether what lane `by` of a warp did at `time` comes before what `lane` of `w` does now.
bool Block::comes_before(u32 time, int warp, int by, const Warp& w, int lane) {
  if (warp == w.id ? lane_ordered(w, time, by, lane) : time <= known_of(w, warp, by)) return true;
  const Order* order = w.order ? w.order->lanes[lane].order.get() : nullptr;
  return order && time <= order->known.at(linear, warp * 32 + by);
}

// All lanes in `lanes` now know each other's earlier accesses.
void Block::order_lanes(Warp& w, u32 lanes) {
  share_lanes(w, lanes);
  const u32 t = sh.now++;
  if (lanes == w.alive) order_all_lanes(w, t);
  if (lanes == w.alive && !w.exited) return;
  u32* v = lane_times(w);
  for (int a = 0; a < 32; a++) {
    u32 best = lanes >> a & 1 ? t : 0;
    FOR_LANES(l, lanes) best = std::max(best, v[l * 32 + a]);
    FOR_LANES(l, lanes) v[l * 32 + a] = best;
  }
}

// Until when lane `to` knows the accesses of lane `from` of its warp.
u32 Block::known_in_warp(const Warp& w, int from, int to) {
  const u32 all = w.exited >> from & 1 ? 0 : w.full_sync;
  return w.lane_sync ? std::max(all, (*w.lane_sync)[(size_t)(to * 32 + from)]) : all;
}

// Of lanes of the warp that have accessed something until `newest`, those whose access some lane may not
// know.
u32 Block::unknown_lanes(const Warp& w, u32 lanes, u32 newest) {
  return newest <= w.full_sync ? lanes & w.exited : lanes;
}

bool Block::lane_ordered(const Warp& w, u32 time, int from, int to) {
  return from == to || time <= known_in_warp(w, from, to);
}

// A warp arrives at a block barrier and goes on.
void Block::order_arrival(Warp& w, Arrivals& arrivals) {
  share_arrival(w, arrivals);
  pool_exited(w);
  w.arrived_on = true;
  join_times(arrivals.known, w.known);
  arrivals.known[(size_t)w.id] = sh.now++;
}

// A block barrier: those who have waited learn what all participants did before. A `full` one is of all that
// there are, who have all waited.
void Block::order_warps(u32 waiting, const Arrivals& arrivals, bool full) {
  share_warps(waiting, arrivals, full);
  const u32 t = sh.now++;
  if (full) {
    sh.full_barrier = t;
    for (Warp& w : warps) {
      std::fill(w.known.begin(), w.known.end(), t);
      w.full_sync = t;
      w.lane_sync.reset();
    }
    return;
  }
  std::vector<u32> known = arrivals.known;
  for (Warp& w : warps)
    if (waiting >> w.id & 1) {
      pool_exited(w);
      join_times(known, w.known);
    }
  for (const Warp& w : warps)
    if (waiting >> w.id & 1) known[(size_t)w.id] = t;
  for (Warp& w : warps)
    if (waiting >> w.id & 1) {
      join_times(w.known, known);
      order_all_lanes(w, t);
      tell_of_exited(w);
    }
}

// What threads that synchronise know together. What they have fenced that `order` lacks is apart, by scope,
// that of their own block in `here`.
struct Block::Together {
  OrderPointer order;
  struct {
    Known known;
    std::vector<u32> here;
  } fenced[2];
};

void Block::gather(Together& all, const Warp& w, u32 lanes) {
  if (!w.order) return;
  const Release* last[2] = {};
  FOR_LANES(l, lanes) {
    const LaneOrder& lane = w.order->lanes[l];
    join(all.order, lane.order);
    for (int scope : {IN_BLOCK, ON_DEVICE}) {
      if (!lane.fence_apart[scope]) continue;
      const Release& fence = lane.released[scope];
      std::vector<u32>& here = all.fenced[scope].here;
      if (!last[scope] || fence.own != last[scope]->own || fence.order != last[scope]->order) {
        all.fenced[scope].known.join(value(fence.order).known);
        join_times(here, fence.own->threads);
      }
      last[scope] = &fence;
      u32& mine = here[(size_t)(w.id * 32 + l)];
      mine = std::max(mine, fence.own->time);
    }
  }
}

OrderPointer Block::together(Together& all) {
  if (all.fenced[IN_BLOCK].here.empty()) return all.order;  // every fence is one IN_BLOCK, too
  Order order = value(all.order);
  for (int scope : {IN_BLOCK, ON_DEVICE}) {
    if (all.fenced[scope].here.empty()) continue;
    order.fenced[scope].join(all.fenced[scope].known);
    order.fenced[scope].by_fence.join(VectorClock(linear, std::move(all.fenced[scope].here)));
  }
  return std::make_shared<const Order>(std::move(order));
}

void Block::share(const OrderPointer& order, Warp& w, u32 lanes) {
  if (!w.order && !order) return;
  if (!w.order) w.order = std::make_unique<WarpOrder>();
  FOR_LANES(l, lanes) {
    LaneOrder& lane = w.order->lanes[l];
    lane.order = order;
    lane.fence_apart[IN_BLOCK] = lane.fence_apart[ON_DEVICE] = false;
  }
}

// The lanes pass on to each other what they know.
void Block::share_lanes(Warp& w, u32 lanes) {
  if (!w.order || !w.order->apart) return;
  Together all;
  gather(all, w, lanes);
  share(together(all), w, lanes);
  w.order->apart = lanes != w.alive;
}

void Block::share_arrival(const Warp& w, Arrivals& arrivals) {
  if (!w.order || !w.order->news) return;
  Together all;
  gather(all, w, w.alive);
  join(arrivals.order, together(all));
}

// Those who have waited learn what the participants know.
void Block::share_warps(u32 waiting, const Arrivals& arrivals, bool full) {
  const auto news = [&](const Warp& w) { return waiting >> w.id & 1 && w.order && w.order->news; };
  if (!arrivals.order && std::none_of(warps.begin(), warps.end(), news)) return;
  Together all{arrivals.order, {}};
  for (const Warp& w : warps)
    if (waiting >> w.id & 1) gather(all, w, w.alive);
  const OrderPointer order = together(all);
  for (Warp& w : warps) {
    if (!(waiting >> w.id & 1)) continue;
    share(order, w, ~0u);
    if (!w.order) continue;
    w.order->apart = false;
    w.order->news = !full;
  }
}

}  // namespace ptxi
