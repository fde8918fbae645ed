#include "vector_clock.h"

#include <algorithm>
#include <utility>

namespace ptxi {

namespace {

constexpr int branch_bits = 4, branches = 1 << branch_bits;
int g_levels = 0;  // above the leaves

int branch(u64 block, int level) {
  return (int)(block >> (level * branch_bits)) & (branches - 1);
}

}  // namespace

struct VectorClock::Node {
  std::vector<Pointer> children;
  std::vector<u32> threads;  // of a leaf, which is a block
};

void VectorClock::begin_launch(u64 blocks) {
  g_levels = 0;
  while (blocks > 1ull << (g_levels * branch_bits)) g_levels++;
}

VectorClock::VectorClock(u64 block, std::vector<u32> threads)
    : root(std::make_shared<Node>(Node{{}, std::move(threads)})) {
  for (int level = 0; level < g_levels; level++) {
    Node above{std::vector<Pointer>(branches), {}};
    above.children[branch(block, level)] = std::move(root);
    root = std::make_shared<Node>(std::move(above));
  }
}

u32 VectorClock::at(u64 block, int thread) const {
  const Node* node = root.get();
  for (int level = g_levels; node && level-- > 0;) node = node->children[branch(block, level)].get();
  return node ? node->threads[thread] : 0;
}

void VectorClock::join(const VectorClock& other) {
  root = joined(root, other.root);
}

// One of the two itself where it knows all that the other does.
VectorClock::Pointer VectorClock::joined(const Pointer& a, const Pointer& b) {
  if (!b || a == b) return a;
  if (!a) return b;
  const size_t children = a->children.size(), threads = a->threads.size();
  bool more_in_a = false, more_in_b = false;
  for (size_t i = 0; i < threads; i++) more_in_a |= a->threads[i] > b->threads[i];
  for (size_t i = 0; i < threads; i++) more_in_b |= b->threads[i] > a->threads[i];
  std::vector<Pointer> both(children);
  for (size_t i = 0; i < children; i++) {
    both[i] = joined(a->children[i], b->children[i]);
    more_in_a |= both[i] != b->children[i];
    more_in_b |= both[i] != a->children[i];
  }
  if (!more_in_a) return b;
  if (!more_in_b) return a;
  Node node{std::move(both), std::vector<u32>(threads)};
  for (size_t i = 0; i < threads; i++) node.threads[i] = std::max(a->threads[i], b->threads[i]);
  return std::make_shared<Node>(std::move(node));
}

}  // namespace ptxi
