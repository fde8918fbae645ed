// Order by fences and strong accesses (PTXI_RACE), by PTX's memory consistency model. What a thread's fence
// and a strong write after it release, another's strong read and a fence after it acquire. Two fences.sc are
// ordered even where other threads of their blocks write and read: if the second came first, the read could
// not have observed the write.

#include "causality.h"

#include <algorithm>
#include <array>
#include <utility>

#include "block.h"
#include "of_thread.h"

namespace ptxi {

namespace {

Places& g_places = *new Places;  // in global memory, by address

WarpOrder& orders(Warp& w) {
  if (!w.order) w.order = std::make_unique<WarpOrder>();
  return *w.order;
}

// The lanes of a warp often join the same two orders, one lane after the other.
struct Joined {
  OrderPointer a, b, both;
};
using JoinedMemory = std::array<Joined, 256>;

OrderPointer joined(const OrderPointer& a, const OrderPointer& b) {
  if (!b || a == b) return a;
  if (!a) return b;
  JoinedMemory& all = of_thread<JoinedMemory>();
  Joined& memory = all[((size_t)a.get() / 16 ^ (size_t)b.get() / 64) % all.size()];
  if (memory.a == a && memory.b == b) return memory.both;
  Order both = *a;
  both.known.join(b->known);
  for (int scope : {IN_BLOCK, ON_DEVICE}) {
    both.fenced[scope].join(b->fenced[scope]);
    both.observed[scope].join(b->observed[scope]);
  }
  memory = {a, b, both == *a ? a : both == *b ? b : std::make_shared<const Order>(std::move(both))};
  return memory.both;
}

// After a fence.sc, what was fenced where other threads wrote what strong reads have observed.
OrderPointer after_fence_sc(const OrderPointer& order, Scope fence) {
  if (!order) return order;
  Known seen = order->observed[IN_BLOCK];
  if (fence == ON_DEVICE) seen.join(order->observed[ON_DEVICE]);
  if (seen == Known()) return order;
  return joined(order, std::make_shared<const Order>(Order{seen, {}, {}}));
}

// What the order of a thread is to threads of other blocks.
void leave_block(Order& order) {
  order.fenced[IN_BLOCK] = order.observed[IN_BLOCK] = {};
}

}  // namespace

const Order& value(const OrderPointer& order) {
  static const Order& nothing = *new Order;
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
  of_thread<JoinedMemory>().fill({});
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

// What a release of the lane passes on within a scope.
const OrderPointer& Block::released(const Warp& w, int lane, Release& release, int scope) {
  if (release.passed) return release.passed;
  Order order = value(release.order);
  std::vector<u32> threads = release.own->threads;
  threads[(size_t)(w.id * 32 + lane)] = release.own->time;
  const VectorClock own(linear, std::move(threads));
  for (int sc = 0; sc < release.sc_scopes; sc++) {
    order.fenced[sc].join(order.known);
    order.fenced[sc].by_fence.join(own);
  }
  if (scope == ON_DEVICE) leave_block(order);
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
    if (in.sc) {
      if (lane.order != before) after = after_fence_sc(before = lane.order, in.scope);
      lane.order = after;
    }
    if (!in.release) continue;
    if (!in.sc) settle_fence(w, l);
    if (!own || w.lane_sync) own = at_fence(w, l);
    for (int scope = 0; scope <= in.scope; scope++) {
      lane.released[scope] = {lane.order, own, in.sc ? in.scope + 1 : 0, nullptr};
      lane.fence_apart[scope] |= in.sc;
    }
  }
  sh.now++;
  order.apart = order.news = true;
}

// Adds the lane's newest fences.sc to what it has fenced.
void Block::settle_fence(Warp& w, int l) {
  LaneOrder& lane = w.order->lanes[l];
  if (!lane.fence_apart[IN_BLOCK] && !lane.fence_apart[ON_DEVICE]) return;
  Order order = value(lane.order);
  for (int scope : {IN_BLOCK, ON_DEVICE}) {
    if (!lane.fence_apart[scope]) continue;
    order.fenced[scope].join(released(w, l, lane.released[scope], scope)->fenced[scope]);
    lane.fence_apart[scope] = false;
  }
  lane.order = std::make_shared<const Order>(std::move(order));
}

// What a strong write of the lane lets others observe.
static const OrderPointer& as_observed(LaneOrder& lane, int scope) {
  if (lane.wrote != lane.order) {
    lane.wrote = lane.order;
    for (OrderPointer& observed : lane.as_observed) observed = nullptr;
  }
  OrderPointer& observed = lane.as_observed[scope];
  if (observed || lane.order->fenced[scope] == Known()) return observed;
  Order seen;
  seen.observed[scope] = lane.order->fenced[scope];
  return observed = std::make_shared<const Order>(std::move(seen));
}

// A strong read observes what the place passes on, and an acquire makes it known.
void Block::strong_read(Warp& w, int l, const Instruction& in, const Place& place) {
  WarpOrder& order = orders(w);
  LaneOrder& lane = order.lanes[l];
  for (int scope = 0; scope <= in.scope; scope++) {
    if (scope == IN_BLOCK && place.block != linear) continue;
    join(in.acquire ? lane.order : lane.met[scope], place.released[scope]);
    join(lane.order, place.observed[scope]);
  }
  order.apart = order.news = true;
}

// A strong write passes on what the lane has released and, if it is atomic, what the place did before.
void Block::strong_write(Warp& w, int l, const Instruction& in, Place& place) {
  LaneOrder& lane = orders(w).lanes[l];
  settle_fence(w, l);
  const auto forget = [&](Scope scope) { place.released[scope] = place.observed[scope] = nullptr; };
  if (place.block != linear || in.op == O_st) forget(IN_BLOCK);
  place.block = linear;
  if (in.scope != ON_DEVICE || in.op == O_st) forget(ON_DEVICE);
  for (int scope = 0; scope <= in.scope; scope++)
    if (lane.released[scope].own) join(place.released[scope], released(w, l, lane.released[scope], scope));
  if (in.release) {
    const auto own = at_fence(w, l);
    sh.now++;
    for (int scope = 0; scope <= in.scope; scope++) {
      Release now{lane.order, own, 0, nullptr};
      join(place.released[scope], released(w, l, now, scope));
    }
  }
  if (!lane.order) return;
  for (int scope = 0; scope <= in.scope; scope++) join(place.observed[scope], as_observed(lane, scope));
}

// A vector is accessed an element at a time.
void Block::strong_access(Warp& w, int l, const Instruction& in, Places& places, u64 a) {
  for (int i = 0; i < in.vec; i++) strong_element(w, l, in, places, a + (u64)(i * type_bits(in.t) / 8));
}

void Block::strong_element(Warp& w, int l, const Instruction& in, Places& places, u64 a) {
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
