#include "fer/synth_dataset.h"

#include <algorithm>

#include "engine/error.h"
#include "fer/labels.h"
#include "kernels/loop_errors.h"

namespace fermion::fer {
namespace {

// Draws one face into `rgb` and returns its label.
int draw(std::uint64_t seed, std::int64_t index, int size, std::span<std::uint8_t> rgb) {
  FaceOptions options;
  options.seed = seed;
  options.index = index;
  options.size = size;
  return static_cast<int>(draw_face(options, rgb.data()));
}

Split draw_split(std::uint64_t seed, SplitName name, std::int64_t count, int size, int threads) {
  const auto faces = std::make_shared<MemoryFaces>(count, size, size);
  std::vector<int> labels(static_cast<std::size_t>(count));
  std::vector<std::uint64_t> hashes(labels.size());
  kernels::LoopErrors errors;
#pragma omp parallel for schedule(dynamic, 16) num_threads(threads)
  for (std::int64_t i = 0; i < count; ++i)
    errors.collect([&] {
      const std::span<std::uint8_t> rgb = faces->face(i);
      labels[static_cast<std::size_t>(i)] = draw(seed, first_face(name) + i, size, rgb);
      hashes[static_cast<std::size_t>(i)] = pixel_hash(size, size, rgb);
    });
  errors.rethrow();
  Split split;
  split.faces = faces;
  split.classes = synth_expressions;
  for (std::int64_t i = 0; i < count; ++i) {
    Sample sample;
    sample.face = i;
    sample.label = labels[static_cast<std::size_t>(i)];
    sample.hash = hashes[static_cast<std::size_t>(i)];
    std::vector<float> target(synth_expressions, 0.0f);
    target[static_cast<std::size_t>(sample.label)] = 1;
    split.add(sample, target);
  }
  return split;
}

SplitCounts counts(const Split& split) {
  SplitCounts counts{split.size(), std::vector<std::int64_t>(synth_expressions, 0)};
  for (const Sample& sample : split.samples) ++counts.by_class[static_cast<std::size_t>(sample.label)];
  return counts;
}

}  // namespace

std::int64_t first_face(SplitName split) {
  return static_cast<std::int64_t>(split) * 70'000'000;
}

Dataset draw_dataset(std::uint64_t seed, int faces, int size, int threads) {
  Dataset set;
  set.name = "synthetic faces";
  for (int c = 0; c < synth_expressions; ++c) set.class_names.emplace_back(name(static_cast<Expression>(c)));
  set.train = TrainSplit(draw_split(seed, SplitName::train, faces, size, threads));
  set.holdout = HoldoutSplit(draw_split(seed, SplitName::holdout, std::max(7, faces / 8), size, threads));
  set.test = TestSplit(draw_split(seed, SplitName::test, std::max(7, faces / 4), size, threads));
  for (const SplitName split : {SplitName::train, SplitName::holdout, SplitName::test})
    set.inventory.published[split] = set.inventory.used[split] = counts(set.split(split));
  set.inventory.readable = set.inventory.distinct = set.train.size() + set.holdout.size() + set.test.size();
  return set;
}

}  // namespace fermion::fer
