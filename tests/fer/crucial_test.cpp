#include "fer/crucial.h"

#include <algorithm>
#include <array>
#include <doctest/doctest.h>

#include "fer/synth_dataset.h"
#include "fer/training_step.h"

using namespace fermion;
using namespace fermion::fer;

namespace {

constexpr int size = 32, grid = 4, regions = grid * grid;
constexpr std::uint64_t seed = 3;

// Drawn test faces, and the crucial cells of each.
struct Drawn {
  Dataset data = draw_dataset(seed, 64, size, 1);
  std::vector<std::vector<bool>> crucial;

  Drawn() {
    for (std::int64_t i = 0; i < data.test.size(); ++i) {
      FaceOptions face;
      face.seed = seed;
      face.index = first_face(SplitName::test) + i;
      face.size = size;
      crucial.push_back(crucial_regions(truth_map(face), size, grid));
    }
  }
  // The AUC of weights that are `inside` in a face's crucial cells and `outside` elsewhere.
  CrucialRegions auc(float inside, float outside, int map_faces = 20) {
    Predictions predictions{data.test.size(), 7, regions, {}, {}};
    for (const std::vector<bool>& cells : crucial)
      for (const bool cell : cells) predictions.weights.push_back(cell ? inside : outside);
    return region_auc(predictions, data.test, seed, size, grid, 1, map_faces);
  }
};

}  // namespace

TEST_CASE("region AUC is 1 for the truth, 0 for its contrary, a half for equal weights") {
  Drawn drawn;
  const std::int64_t neutral = std::count_if(drawn.data.test.samples.begin(), drawn.data.test.samples.end(),
                                             [](const Sample& sample) { return sample.label == 0; });
  CHECK(neutral > 0);
  const CrucialRegions truth = drawn.auc(2, 0.5f), equal = drawn.auc(1, 1);
  CHECK(truth.all.faces == drawn.data.test.size() - neutral);
  CHECK(truth.all.value == 1);
  CHECK(drawn.auc(0.5f, 2).all.value == 0);
  CHECK(equal.all.value == 0.5);
  CHECK(truth.by_expression[0].faces == 0);
  std::int64_t faces = 0;
  for (std::size_t e = 1; e < truth.by_expression.size(); ++e) {
    faces += truth.by_expression[e].faces;
    CHECK(truth.by_expression[e].value == 1);
    CHECK(equal.by_expression[e].value == 0.5);
  }
  CHECK(faces == truth.all.faces);
  // The maps read nothing of the weights.
  CHECK(truth.all.mean_map == equal.all.mean_map);
}

TEST_CASE("the maps are means over training faces, each counted alike") {
  Drawn drawn;
  constexpr int faces = 28;
  using Map = std::vector<float>;
  Map all(regions, 0.0f);
  std::array<Map, synth_expressions> of;
  of.fill(all);
  for (int i = 0; i < faces; ++i) {
    FaceOptions face;
    face.seed = seed;
    face.index = first_face(SplitName::train) + i;
    face.size = size;
    const Map cells = cell_sums(truth_map(face), size, grid);
    double total = 0;
    for (const float cell : cells) total += cell;
    Map& own = of[static_cast<std::size_t>(expression_at(seed, face.index))];
    for (std::size_t k = 0; k < regions && total > 0; ++k) {
      all[k] += static_cast<float>(cells[k] / total);
      own[k] += static_cast<float>(cells[k] / total);
    }
  }
  RegionAuc expected;
  for (std::size_t i = 0; i < drawn.crucial.size(); ++i) {
    const auto label = static_cast<std::size_t>(drawn.data.test.samples[i].label);
    if (label == 0) continue;
    expected.mean_map += roc_auc(all, drawn.crucial[i]);
    expected.expression_map += roc_auc(of[label], drawn.crucial[i]);
    ++expected.faces;
  }
  const double count = static_cast<double>(expected.faces);
  const RegionAuc actual = drawn.auc(1, 1, faces).all;
  CHECK(actual.mean_map == doctest::Approx(expected.mean_map / count));
  CHECK(actual.expression_map == doctest::Approx(expected.expression_map / count));
  CHECK(0.5 < actual.mean_map);
}

namespace {

// Faces of noise whose class is the pattern of region 5, and a network that has learnt to see it. Patterns
// have the mean of the noise, so that filling the region with the picture's mean tells nothing of them.
struct Patterned {
  static constexpr int side = 16, faces = 48, classes = 3, region = 5, cell = side / grid;
  TrainConfig config;
  engine::Device device{{.threads = 1}};
  Split split;
  Preprocessing preprocessing;
  std::unique_ptr<TrainingStep> training;

  Patterned() {
    for (const char* option : {"size=16", "width=4", "depth=1", "grid=4", "batch=48", "classes=3",
                               "dropout=0", "augment=false", "ema=0"})
      set_option(config, option);
    auto memory = std::make_shared<MemoryFaces>(faces, side, side);
    split.faces = memory;
    split.classes = classes;
    const kernels::Random random{seed, 0, 0};
    for (int i = 0; i < faces; ++i) {
      const int label = i % classes;
      const std::span<std::uint8_t> rgb = memory->face(i);
      for (std::size_t at = 0; at < rgb.size(); ++at)
        rgb[at] =
            static_cast<std::uint8_t>(80 + 80 * random.uniform(static_cast<std::uint64_t>(i) * 1000 + at));
      for (int y = 0; y < cell; ++y)
        for (int x = 0; x < cell; ++x)
          for (int c = 0; c < 3; ++c) {
            const bool bright = (label == 0 ? x : label == 1 ? y : x + y) % 2 == 0;
            const int row = region / grid * cell + y, column = region % grid * cell + x;
            rgb[static_cast<std::size_t>((row * side + column) * 3 + c)] = bright ? 220 : 20;
          }
      std::vector<float> target(classes, 0.0f);
      target[static_cast<std::size_t>(label)] = 1;
      Sample sample;
      sample.face = i;
      sample.label = label;
      split.add(sample, target);
    }
    preprocessing = measure_pixels(split, side);
    training = std::make_unique<TrainingStep>(device, config, preprocessing, std::vector<float>());
    BatchOptions options{.batch = faces, .seed = 1};
    options.augment.enabled = false;
    Batches batches(split, options, 0);
    for (int i = 0; i < 120; ++i) training->run(batches.next(), 5e-3);
  }
  // Every face's weight is `inside` in that region and 1 elsewhere.
  Deletion deletion(float inside, std::uint64_t draw = 1) {
    Predictions predictions{faces, classes, regions, {}, std::vector<float>(faces * regions, 1.0f)};
    for (int i = 0; i < faces; ++i)
      predictions.weights[static_cast<std::size_t>(i * regions + region)] = inside;
    return deletion_test(training->average_model(), device, preprocessing, split, predictions, draw);
  }
};

}  // namespace

TEST_CASE("deletion of the region that a network reads costs accuracy, of others little") {
  Patterned patterned;
  const Deletion right = patterned.deletion(2), wrong = patterned.deletion(0.5f);
  CHECK(right.images == 48);
  CHECK(right.regions == 4);
  CHECK(right.baseline == 1);
  CHECK(wrong.baseline == 1);
  // Guessing is right in a third of the cases.
  CHECK(right.top > 0.5);
  CHECK(wrong.top < 0.1);
  // Four of sixteen regions hold it in a quarter of the draws, whatever the weights.
  CHECK(right.random == doctest::Approx(right.top / 4).epsilon(0.5));
  CHECK(right.random == wrong.random);
  CHECK(right.random != patterned.deletion(2, 2).random);
}
