// What a thread's next accesses come after, by PTX's memory consistency model: what its fences and strong
// accesses (atomic, volatile, relaxed, acquire, release) have made of those of other threads.
#pragma once

#include <algorithm>
#include <memory>
#include <unordered_map>
#include <vector>

#include "vector_clock.h"

namespace ptxi {

// What precedes in causality order. How it came to be known is kept apart: clocks that do not come from each
// other share nothing, and joining them takes long.
struct Known {
  VectorClock by_release, by_fence;
  u32 at(u64 block, int thread) const {
    return std::max(by_release.at(block, thread), by_fence.at(block, thread));
  }
  void join(const Known& other) {
    by_release.join(other.by_release);
    by_fence.join(other.by_fence);
  }
  bool operator==(const Known&) const = default;
};

// What one thread learns from another that it synchronises with.
struct Order {
  Known known;
  // By scope; IN_BLOCK: of fences of any scope, by threads of the block that it is for.
  Known fenced[2];    // what precedes a fence.sc that precedes
  Known observed[2];  // what was `fenced` for writes that strong reads that precede have observed
  bool operator==(const Order&) const = default;
};
using OrderPointer = std::shared_ptr<const Order>;  // null: of an order without anything
const Order& value(const OrderPointer& order);
void join(OrderPointer& order, const OrderPointer& other);

// What a warp knew of its block when lanes of it fenced; and until when a lane's own accesses precede the
// fence.
struct AtFence {
  std::vector<u32> threads;
  u32 time;
};
// What a lane's strong writes after a fence pass on.
struct Release {
  OrderPointer order;
  std::shared_ptr<const AtFence> own;  // null: it has not fenced
  int sc_scopes = 0;                   // the fence is a fence.sc of scopes below this
  OrderPointer passed;                 // the two as one, once it is needed
};

struct LaneOrder {
  OrderPointer order;
  Release released[2];          // by scope: the newest fence of that scope or a wider one
  OrderPointer met[2];          // by scope: what its strong reads have observed, for a fence to acquire
  OrderPointer wrote;           // `order` at its last strong write,
  OrderPointer as_observed[2];  // and Order::fenced of that as Order::observed
  bool fence_apart[2] = {};     // by scope: `released` is a fence.sc that Order::fenced lacks
};
struct WarpOrder {
  LaneOrder lanes[32];
  bool apart = false;  // lanes may know more than others of their warp
  bool news = false;   // or than other warps
};

// An address that has been written strongly: what its value passes on.
struct Place {
  OrderPointer released[2];  // by scope of all that is involved; IN_BLOCK: to threads of `block`
  u64 block = ~0ull;         // which wrote last
  OrderPointer observed[2];  // Order::fenced of those who wrote, as Order::observed; by scope likewise
};
using Places = std::unordered_map<u64, Place>;

}  // namespace ptxi
