#include "fer/batches.h"

#include <algorithm>
#include <cstring>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>

#include "tests/fer/generated_sets.h"

using namespace fermion::fer;

namespace {

constexpr int classes = 3, side = 4;

// Sample i is face count - 1 - i of the source, whose pixels all are that number.
Split numbered(int count) {
  auto faces = std::make_shared<MemoryFaces>(count, side, side);
  Split split;
  split.faces = faces;
  split.classes = classes;
  for (int i = 0; i < count; ++i) {
    const std::span<std::uint8_t> face = faces->face(i);
    std::fill(face.begin(), face.end(), static_cast<std::uint8_t>(i));
    Sample sample;
    sample.face = count - 1 - i;
    sample.label = i % classes;
    std::vector<float> target(classes, 0.0f);
    target[static_cast<std::size_t>(i % classes)] = 1;
    split.add(sample, target);
  }
  return split;
}

constexpr std::size_t face_bytes = 3 * side * side;

// The samples of numbered(count) that the batch holds.
std::vector<int> samples(const Batch& batch, int count) {
  std::vector<int> all;
  for (std::size_t at = 0; at < batch.faces.size(); at += face_bytes)
    all.push_back(count - 1 - batch.faces[at]);
  return all;
}

bool same(const Batch& a, const Batch& b) {
  return a.faces == b.faces && a.targets == b.targets && a.labels == b.labels &&
         a.augmentation.size() == b.augmentation.size() &&
         std::memcmp(a.augmentation.data(), b.augmentation.data(),
                     a.augmentation.size() * sizeof a.augmentation[0]) == 0;
}

}  // namespace

TEST_CASE("an epoch's order is a permutation, drawn by seed and epoch") {
  const std::vector<std::int64_t> order = epoch_order(1, 0, 1000);
  std::vector<std::int64_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (std::int64_t i = 0; i < 1000; ++i) CHECK(sorted[static_cast<std::size_t>(i)] == i);
  CHECK(order != sorted);
  CHECK(order == epoch_order(1, 0, 1000));
  CHECK(order != epoch_order(1, 1, 1000));
  CHECK(order != epoch_order(2, 0, 1000));
  CHECK(epoch_order(1, 0, 0).empty());
}

TEST_CASE("every place of the order is equally likely") {
  // The first of three samples is each of them about a thousand times in 3,000 epochs; four deviations.
  int counts[3] = {};
  for (std::uint32_t epoch = 0; epoch < 3000; ++epoch) ++counts[epoch_order(7, epoch, 3)[0]];
  for (const int count : counts) CHECK(std::abs(count - 1000) < 104);
}

TEST_CASE("an epoch holds each face once, whole batches only, with its own target, label and pixels") {
  constexpr int count = 103, batch = 10;
  const Split split = numbered(count);
  Batches batches(split, {.batch = batch, .seed = 5}, 0);
  CHECK(batches.per_epoch() == 10);
  std::vector<std::vector<int>> epochs;
  for (int epoch = 0; epoch < 2; ++epoch) {
    std::vector<int> seen;
    for (int step = 0; step < 10; ++step) {
      const Batch b = batches.next();
      const std::vector<int> in_batch = samples(b, count);
      REQUIRE(in_batch.size() == batch);
      for (std::size_t i = 0; i < batch; ++i) {
        CHECK(b.labels[i] == in_batch[i] % classes);
        for (std::size_t c = 0; c < classes; ++c)
          CHECK(b.targets[i * classes + c] == (static_cast<int>(c) == b.labels[i] ? 1.0f : 0.0f));
        for (std::size_t at = 0; at < face_bytes; ++at)
          CHECK(b.faces[i * face_bytes + at] == count - 1 - in_batch[i]);
      }
      seen.insert(seen.end(), in_batch.begin(), in_batch.end());
    }
    epochs.push_back(seen);
    std::sort(seen.begin(), seen.end());
    CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
  }
  CHECK(epochs[0] != epochs[1]);
}

TEST_CASE("a step's batch depends on seed and step, not on threads nor on where one began") {
  const Split split = numbered(40);
  Batches straight(split, {.batch = 8, .seed = 3}, 0),
      threaded(split, {.batch = 8, .seed = 3, .threads = 4}, 0), late(split, {.batch = 8, .seed = 3}, 7),
      other(split, {.batch = 8, .seed = 4}, 0);
  bool other_differs = false;
  for (int step = 0; step < 12; ++step) {
    const Batch batch = straight.next();
    CHECK(same(batch, threaded.next()));
    if (step >= 7) CHECK(same(batch, late.next()));
    other_differs = other_differs || !same(batch, other.next());
  }
  CHECK(other_differs);
}

TEST_CASE("each face is augmented as drawn for its sample and epoch, half of them mirrored") {
  constexpr int count = 200;
  const Split split = numbered(count);
  const AugmentOptions options;
  Batches batches(split, {.batch = count, .seed = 9, .augment = options}, 0);
  int mirrored = 0, changed = 0;
  std::vector<bool> before;
  for (std::uint32_t epoch = 0; epoch < 2; ++epoch) {
    const Batch batch = batches.next();
    const std::vector<int> in_batch = samples(batch, count);
    std::vector<bool> flips(count);
    for (std::size_t i = 0; i < count; ++i) {
      const auto sample = static_cast<std::uint64_t>(in_batch[i]);
      const fermion::kernels::AugmentParameters expected =
          draw_augmentation(options, 9, epoch, sample, side, side);
      CHECK(std::memcmp(&batch.augmentation[i], &expected, sizeof expected) == 0);
      flips[sample] = expected.xx * expected.yy - expected.xy * expected.yx < 0;
    }
    mirrored += static_cast<int>(std::count(flips.begin(), flips.end(), true));
    for (std::size_t i = 0; i < before.size(); ++i) changed += before[i] != flips[i];
    before = flips;
  }
  CHECK(std::abs(mirrored - count) < 40);
  CHECK(std::abs(changed - count / 2) < 30);
}

TEST_CASE("profilers and top see what the threads are for") {
  const Split split = numbered(8);
  const auto loaders = [] {
    int count = 0;
    for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
      std::string name;
      std::getline(std::ifstream(thread.path() / "comm"), name);
      count += name == "fermion loader";
    }
    return count;
  };
  CHECK(loaders() == 0);
  Batches batches(split, {.batch = 4, .threads = 2}, 0);
  // A thread names itself before it gathers.
  batches.next();
  CHECK(loaders() >= 1);
}

TEST_CASE("what a thread cannot read is thrown where the batch is asked for") {
  Split split = numbered(8);
  split.faces = std::make_shared<FileFaces>(std::vector<FaceFile>(8, FaceFile{"none.png", {}}), side, side);
  Batches batches(split, {.batch = 4, .threads = 3}, 0);
  CHECK(contains(error_of([&] { batches.next(); }), "none.png"));
  CHECK(contains(error_of([&] { batches.next(); }), "none.png"));
}
