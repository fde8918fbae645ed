// A vector clock: of the threads of a launch, up to which time each one's accesses are over. Copies share
// what they have in common, so that what thousands of blocks pass on to each other takes room and time for
// what each adds.
#pragma once

#include <memory>
#include <vector>

#include "types.h"

namespace ptxi {

class VectorClock {
 public:
  VectorClock() = default;  // knows nothing
  VectorClock(u64 block, std::vector<u32> threads);

  u32 at(u64 block, int thread) const;  // 0: nothing is known
  void join(const VectorClock& other);
  bool operator==(const VectorClock&) const = default;  // one and the same

  static void begin_launch(u64 blocks);  // no clock outlives its launch

 private:
  // A tree over the blocks. Nodes are never changed.
  struct Node;
  using Pointer = std::shared_ptr<const Node>;
  static Pointer joined(const Pointer& a, const Pointer& b);
  Pointer root;
};

}  // namespace ptxi
