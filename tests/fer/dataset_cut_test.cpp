#include "fer/dataset_cut.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <map>

using namespace fermion::fer;

namespace {

int count_held(const std::vector<bool>& held, const std::vector<int>& labels, int label) {
  int count = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) count += held[i] && labels[i] == label;
  return count;
}

std::vector<int> alone(std::size_t count) {
  std::vector<int> groups(count);
  for (std::size_t i = 0; i < count; ++i) groups[i] = static_cast<int>(i);
  return groups;
}

}  // namespace

TEST_CASE("groups: equal hashes, equal subjects, and chains of both") {
  const std::vector<std::string> nobody(4);
  CHECK(group_faces(std::vector<std::uint64_t>{7, 8, 7, 9}, nobody) == std::vector<int>{0, 1, 0, 2});
  CHECK(group_faces(std::vector<std::uint64_t>{1, 2, 3, 4},
                    std::vector<std::string>{"", "ann", "bob", "ann"}) == std::vector<int>{0, 1, 2, 1});
  // 0 and 3 share a picture, 3 and 4 a subject, 4 and 1 a picture.
  CHECK(group_faces(std::vector<std::uint64_t>{5, 6, 0, 5, 6},
                    std::vector<std::string>{"", "", "", "eve", "eve"}) == std::vector<int>{0, 0, 1, 0, 0});
  CHECK(group_faces({}, {}).empty());
}

TEST_CASE("the holdout takes the share of every class, rounded") {
  std::vector<int> labels(1000, 0);
  labels.insert(labels.end(), 104, 1);
  labels.insert(labels.end(), 16, 2);
  labels.insert(labels.end(), 50, -1);
  const std::vector<bool> held = cut_holdout(alone(labels.size()), labels, 4, 0.1, 3);
  CHECK(count_held(held, labels, 0) == 100);
  CHECK(count_held(held, labels, 1) == 10);
  CHECK(count_held(held, labels, 2) == 2);
  CHECK(count_held(held, labels, -1) == 0);
}

TEST_CASE("the holdout's draw follows its seed and is spread over the set") {
  const std::vector<int> labels(1000, 0);
  const std::vector<bool> first = cut_holdout(alone(1000), labels, 1, 0.1, 1);
  CHECK(first == cut_holdout(alone(1000), labels, 1, 0.1, 1));
  const std::vector<bool> second = cut_holdout(alone(1000), labels, 1, 0.1, 2);
  int both = 0, front = 0;
  for (std::size_t i = 0; i < 1000; ++i) {
    both += first[i] && second[i];
    front += i < 500 && first[i];
  }
  CHECK(both < 30);   // 10 expected
  CHECK(front > 30);  // 50 expected
  CHECK(front < 70);
}

TEST_CASE("groups are taken whole and still come near to the share of every class") {
  // Groups of one to four faces of mixed labels.
  std::vector<int> groups, labels;
  for (int group = 0; group < 400; ++group)
    for (int member = 0; member <= group % 4; ++member) {
      groups.push_back(group);
      labels.push_back((group + member * member) % 3 - (member == 3 ? 3 : 0));
    }
  const std::vector<bool> held = cut_holdout(groups, labels, 3, 0.2, 5);
  std::map<int, bool> of_group;
  for (std::size_t i = 0; i < groups.size(); ++i)
    CHECK(of_group.try_emplace(groups[i], held[i]).first->second == held[i]);
  // Within one group of the share.
  for (int label = 0; label < 3; ++label) {
    const auto all = std::count(labels.begin(), labels.end(), label);
    CHECK(std::abs(count_held(held, labels, label) - 0.2 * static_cast<double>(all)) <= 4);
  }
}

TEST_CASE("a set too small for its share gives no holdout") {
  const std::vector<bool> held = cut_holdout(alone(3), std::vector<int>{0, 1, 2}, 3, 0.1, 0);
  CHECK(std::count(held.begin(), held.end(), true) == 0);
  CHECK(cut_holdout({}, {}, 3, 0.1, 0).empty());
}
