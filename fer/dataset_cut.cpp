#include "fer/dataset_cut.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "kernels/rng.h"

namespace fermion::fer {
namespace {

// Disjoint sets; the root of a set is its first element.
class Sets {
 public:
  explicit Sets(std::size_t count) : parent_(count) {
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
  }

  std::size_t root(std::size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void join(std::size_t a, std::size_t b) {
    a = root(a), b = root(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<std::size_t> parent_;
};

std::vector<std::size_t> shuffled(std::size_t count, std::uint64_t seed) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const kernels::Random random{seed, kernels::stream_of("holdout")};
  for (std::size_t i = count; i > 1; --i)
    std::swap(order[i - 1], order[static_cast<std::size_t>(random.uniform(i) * static_cast<double>(i))]);
  return order;
}

}  // namespace

std::vector<int> group_faces(std::span<const std::uint64_t> hashes, std::span<const std::string> subjects) {
  Sets sets(hashes.size());
  std::unordered_map<std::uint64_t, std::size_t> first_of_hash;
  std::unordered_map<std::string, std::size_t> first_of_subject;
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    sets.join(first_of_hash.try_emplace(hashes[i], i).first->second, i);
    if (!subjects[i].empty()) sets.join(first_of_subject.try_emplace(subjects[i], i).first->second, i);
  }
  std::vector<int> groups(hashes.size());
  int count = 0;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const std::size_t root = sets.root(i);
    groups[i] = root == i ? count++ : groups[root];
  }
  return groups;
}

std::vector<bool> cut_holdout(std::span<const int> groups, std::span<const int> labels, int classes,
                              double share, std::uint64_t seed) {
  const std::size_t group_count = groups.empty() ? 0 : 1 + static_cast<std::size_t>(std::ranges::max(groups));
  std::vector<std::vector<int>> labels_of(group_count);
  std::vector<double> missing(static_cast<std::size_t>(classes));  // share n_c - taken_c
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (labels[i] < 0) continue;
    labels_of[static_cast<std::size_t>(groups[i])].push_back(labels[i]);
    ++missing[static_cast<std::size_t>(labels[i])];
  }
  for (double& faces : missing) faces *= share;
  const auto distance = [](const std::vector<double>& missing) {
    return std::accumulate(missing.begin(), missing.end(), 0.0,
                           [](double sum, double m) { return sum + std::abs(m); });
  };
  std::vector<bool> taken(group_count);
  for (std::size_t group : shuffled(group_count, seed)) {
    std::vector<double> after = missing;
    for (int label : labels_of[group]) --after[static_cast<std::size_t>(label)];
    if (distance(after) >= distance(missing)) continue;
    taken[group] = true;
    missing = after;
  }
  std::vector<bool> holdout(groups.size());
  for (std::size_t i = 0; i < groups.size(); ++i) holdout[i] = taken[static_cast<std::size_t>(groups[i])];
  return holdout;
}

}  // namespace fermion::fer
