// Order by fences and strong accesses (PTXI_RACE), by PTX's memory consistency model. What a thread's fence
// and a strong write after it release, another's strong read and a fence after it acquire. Two fences.sc are
// ordered even where other threads of their blocks write and read: if the second came first, the read could
// not have observed the write.

#include "causality.h"

#include <algorithm>
#include <array>
#include <utility>

#include "block.h"

namespace ptxi {

namespace {

Places g_places;  // in global memory, by address

WarpOrder& orders(Warp& w) {
  if (!w.order) w.order = std::make_unique<WarpOrder>();
  return *w.order;
}

bool fence_sc(const Instruction& in) {
  return in.sc && in.scope == ON_DEVICE;
}

// The lanes of a warp often join the same two orders, one lane after the other.
struct Joined {
  OrderPointer a, b, both;
};
thread_local std::array<Joined, 256> g_joined;

OrderPointer joined(const OrderPointer& a, const OrderPointer& b) {
  if (!b || a == b) return a;
  if (!a) return b;
  Joined& memory = g_joined[((size_t)a.get() / 16 ^ (size_t)b.get() / 64) % g_joined.size()];
  if (memory.a == a && memory.b == b) return memory.both;
  Order both = *a;
  both.known.join(b->known);
  both.fenced.join(b->fenced);
  both.observed.join(b->observed);
  memory = {a, b, both == *a ? a : both == *b ? b : std::make_shared<const Order>(std::move(both))};
  return memory.both;
}

// After a fence.sc, what was fenced where other threads wrote what strong reads have observed.
OrderPointer after_fence_sc(const OrderPointer& order) {
  if (!order || order->observed == Known()) return order;
  OrderPointer seen = std::make_shared<const Order>(Order{order->observed, {}, {}});
  return joined(order, seen);
}

}  // namespace

const Order& value(const OrderPointer& order) {
  static const Order nothing;
  return order ? *order : nothing;
}

void join(OrderPointer& order, const OrderPointer& other) {
  order = joined(order, other);
}

u32 g_race_launch = 0;

void race_start(u64 blocks) {
  g_race_launch++;
  g_places.clear();
  forget_older_reads();
  g_joined.fill({});
  VectorClock::begin_launch(blocks);
}

// What a lane knows of its block now, before what it does next.
std::shared_ptr<const AtFence> Block::at_fence(const Warp& w, int lane) {
  std::vector<u32> threads(warps.size() * 32);
  for (const Warp& v : warps)
    for (int l = 0; l < 32; l++)
      threads[(size_t)(v.id * 32 + l)] = v.id == w.id ? known_in_warp(w, l, lane) : known_of(w, v.id, l);
  return std::make_shared<const AtFence>(AtFence{std::move(threads), sh.now});
}

// What a release of the lane passes on.
const OrderPointer& Block::released(const Warp& w, int lane, Release& release) {
  if (release.passed) return release.passed;
  Order order = value(release.order);
  std::vector<u32> threads = release.own->threads;
  threads[(size_t)(w.id * 32 + lane)] = release.own->time;
  const VectorClock own(linear, std::move(threads));
  if (release.sc) {
    order.fenced.join(order.known);
    order.fenced.by_fence.join(own);
  }
  order.known.by_release.join(own);
  return release.passed = std::make_shared<const Order>(std::move(order));
}

void Block::fence(Warp& w, const Instruction& in, u32 m) {
  WarpOrder& order = orders(w);
  std::shared_ptr<const AtFence> own;
  OrderPointer before, after;
  FOR_LANES(l, m) {
    LaneOrder& lane = order.lanes[l];
    if (in.acquire)
      for (int scope = 0; scope <= in.scope; scope++) join(lane.order, lane.met[scope]);
    if (fence_sc(in)) {
      if (lane.order != before) after = after_fence_sc(before = lane.order);
      lane.order = after;
    }
    if (!in.release) continue;
    if (in.scope == ON_DEVICE && !in.sc) settle_fence(w, l);
    if (!own || w.lane_sync) own = at_fence(w, l);
    for (int scope = 0; scope <= in.scope; scope++)
      lane.released[scope] = {lane.order, own, fence_sc(in), nullptr};
    lane.fence_apart |= fence_sc(in);
  }
  sh.now++;
  order.apart = order.news = true;
}

// Adds the lane's newest fence.sc to what it has fenced.
void Block::settle_fence(Warp& w, int l) {
  LaneOrder& lane = w.order->lanes[l];
  if (!lane.fence_apart) return;
  Order order = value(lane.order);
  order.fenced.join(released(w, l, lane.released[ON_DEVICE])->fenced);
  lane.order = std::make_shared<const Order>(std::move(order));
  lane.fence_apart = false;
}

// A strong read observes what the place passes on, and an acquire makes it known.
void Block::strong_read(Warp& w, int l, const Instruction& in, const Place& place) {
  WarpOrder& order = orders(w);
  LaneOrder& lane = order.lanes[l];
  for (int scope = 0; scope <= in.scope; scope++)
    if (scope == ON_DEVICE || place.block == linear)
      join(in.acquire ? lane.order : lane.met[scope], place.released[scope]);
  if (in.scope == ON_DEVICE) join(lane.order, place.observed);
  order.apart = order.news = true;
}

// A strong write passes on what the lane has released and, if it is atomic, what the place did before.
void Block::strong_write(Warp& w, int l, const Instruction& in, Place& place) {
  LaneOrder& lane = orders(w).lanes[l];
  settle_fence(w, l);
  if (place.block != linear || in.op == O_st) place.released[IN_BLOCK] = nullptr;
  place.block = linear;
  if (in.scope != ON_DEVICE || in.op == O_st) place.released[ON_DEVICE] = place.observed = nullptr;
  for (int scope = 0; scope <= in.scope; scope++)
    if (lane.released[scope].own) join(place.released[scope], released(w, l, lane.released[scope]));
  if (in.release) {
    Release now{lane.order, at_fence(w, l), false, nullptr};
    sh.now++;
    for (int scope = 0; scope <= in.scope; scope++) join(place.released[scope], released(w, l, now));
  }
  if (in.scope != ON_DEVICE || !lane.order) return;
  if (lane.wrote != lane.order) {
    lane.wrote = lane.order;
    lane.as_observed = std::make_shared<const Order>(Order{{}, {}, lane.order->fenced});
  }
  join(place.observed, lane.as_observed);
}

void Block::strong_access(Warp& w, int l, const Instruction& in, Places& places, u64 a) {
  const auto at = places.find(a);
  const bool there = at != places.end();
  // A reduction reads, but tells its thread nothing.
  if (there && in.op != O_st && in.op != O_red) strong_read(w, l, in, at->second);
  if (in.op == O_ld || in.op == O_ldu) return;
  const bool knows = w.order && (w.order->lanes[l].released[IN_BLOCK].own || w.order->lanes[l].order);
  if (there || knows || in.release) strong_write(w, l, in, there ? at->second : places[a]);
}

void Block::global_strong_access(Warp& w, int l, const Instruction& in, u64 a) {
  strong_access(w, l, in, g_places, a);
}

}  // namespace ptxi
