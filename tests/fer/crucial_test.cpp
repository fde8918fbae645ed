#include "fer/crucial.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <doctest/doctest.h>
#include <functional>

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

TEST_CASE("faces whose crucial set is the whole face are left out of the AUC") {
  constexpr int size = 16;
  const Dataset data = draw_dataset(0, 400, size, 1);
  for (const int grid : {1, 2}) {
    Predictions predictions{data.test.size(), 7, grid * grid, {}, {}};
    predictions.weights.resize(static_cast<std::size_t>(data.test.size() * grid * grid), 1.0f);
    std::int64_t ranked = 0, expressive = 0;
    for (std::int64_t i = 0; i < data.test.size(); ++i) {
      FaceOptions face;
      face.index = first_face(SplitName::test) + i;
      face.size = size;
      const std::vector<bool> crucial = crucial_regions(truth_map(face), size, grid);
      if (data.test.samples[static_cast<std::size_t>(i)].label == 0) continue;
      ++expressive;
      ranked += std::count(crucial.begin(), crucial.end(), false) > 0;
    }
    CHECK(ranked < expressive);
    const RegionAuc auc = region_auc(predictions, data.test, 0, size, grid, 1, 20).all;
    CHECK(auc.faces == ranked);
    CHECK(auc.value == (ranked > 0 ? 0.5 : 0.0));
    CHECK(auc.mean_map >= 0);
    CHECK((ranked > 0) == (grid == 2));
  }
}

namespace {

// Faces in memory that count how often they are read.
class CountedFaces final : public FaceSource {
 public:
  CountedFaces(std::int64_t count, int side) : FaceSource(count, side, side), faces(count, side, side) {}

  MemoryFaces faces;
  mutable std::atomic<std::int64_t> reads = 0;

 private:
  void read_face(std::int64_t index, std::span<std::uint8_t> rgb) const override {
    ++reads;
    faces.read(index, rgb);
  }
};

constexpr int side = 16, face_count = 48, classes = 3, region = 5, cell = side / grid;

// Draws face `index`, of class index % classes.
using Paint = std::function<void(int index, std::span<std::uint8_t> rgb)>;

// Faces, and a network that has learnt to name their classes.
struct Learnt {
  TrainConfig config;
  engine::Device device{{.threads = 1}};
  std::shared_ptr<CountedFaces> faces = std::make_shared<CountedFaces>(face_count, side);
  Split split;
  Preprocessing preprocessing;
  std::unique_ptr<TrainingStep> training;

  explicit Learnt(const Paint& paint, const char* grid_option = "grid=4") {
    for (const char* option : {"size=16", "width=4", "depth=1", grid_option, "batch=48", "classes=3",
                               "dropout=0", "augment=false", "ema=0"})
      set_option(config, option);
    split.faces = faces;
    split.classes = classes;
    for (int i = 0; i < face_count; ++i) {
      paint(i, faces->faces.face(i));
      std::vector<float> target(classes, 0.0f);
      target[static_cast<std::size_t>(i % classes)] = 1;
      Sample sample;
      sample.face = i;
      sample.label = i % classes;
      split.add(sample, target);
    }
    preprocessing = measure_pixels(split, side);
    training = std::make_unique<TrainingStep>(device, config, preprocessing, std::vector<float>());
    BatchOptions options{.batch = face_count, .seed = 1};
    options.augment.enabled = false;
    Batches batches(split, options, 0);
    for (int i = 0; i < 120; ++i) training->run(batches.next(), 5e-3);
    faces->reads = 0;
  }
  // Every face's weight is `inside` in region 5 and 1 elsewhere.
  Deletion deletion(float inside, std::uint64_t draw = 1) {
    const int K = config.model.regions();
    Predictions predictions{face_count, classes, K, {}, std::vector<float>(face_count * K, 1.0f)};
    for (int i = 0; i < face_count && region < K; ++i)
      predictions.weights[static_cast<std::size_t>(i * K + region)] = inside;
    return deletion_test(training->average_model(), device, preprocessing, split, predictions, draw);
  }
};

// Noise whose class is the pattern of region 5. Patterns have the mean of the noise, so that filling the
// region with the picture's mean tells nothing of them.
void paint_pattern(int index, std::span<std::uint8_t> rgb) {
  const kernels::Random random{seed, 0, 0};
  const int label = index % classes;
  for (std::size_t at = 0; at < rgb.size(); ++at)
    rgb[at] =
        static_cast<std::uint8_t>(80 + 80 * random.uniform(static_cast<std::uint64_t>(index) * 1000 + at));
  for (int y = 0; y < cell; ++y)
    for (int x = 0; x < cell; ++x)
      for (int c = 0; c < 3; ++c) {
        const bool bright = (label == 0 ? x : label == 1 ? y : x + y) % 2 == 0;
        const int row = region / grid * cell + y, column = region % grid * cell + x;
        rgb[static_cast<std::size_t>((row * side + column) * 3 + c)] = bright ? 220 : 20;
      }
}

// One bright colour, which is the class: reddish, greenish or bluish.
void paint_colour(int index, std::span<std::uint8_t> rgb) {
  for (std::size_t at = 0; at < rgb.size(); ++at)
    rgb[at] =
        static_cast<std::uint8_t>((static_cast<int>(at % 3) == index % classes ? 210 : 190) + index % 8);
}

}  // namespace

TEST_CASE("deletion of the region that a network reads costs accuracy, of others little") {
  Learnt patterned(paint_pattern);
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

TEST_CASE("regions are filled with the picture's mean: in a picture of one colour that changes nothing") {
  Learnt coloured(paint_colour);
  const Deletion deletion = coloured.deletion(2);
  CHECK(deletion.baseline == 1);
  CHECK(deletion.top == 0);
  CHECK(deletion.random == 0);
}

TEST_CASE("of many faces, some are deleted from that are spread over the split") {
  Learnt coloured(paint_colour);
  Split by_class;
  by_class.faces = coloured.faces;
  by_class.classes = classes;
  constexpr int many = 1000;
  for (int i = 0; i < many; ++i) {
    Sample sample;
    sample.label = i * classes / many;
    // The faces of the last class are none of it.
    sample.face = sample.label == 2 ? 0 : sample.label;
    by_class.add(sample, std::vector<float>(classes));
  }
  const Predictions predictions{many, classes, regions, {}, std::vector<float>(many * regions, 1.0f)};
  const Deletion deletion = deletion_test(coloured.training->average_model(), coloured.device,
                                          coloured.preprocessing, by_class, predictions, 1);
  CHECK(deletion.images == 500);
  CHECK(deletion.baseline == doctest::Approx(2.0 / 3).epsilon(0.01));
}

TEST_CASE("five random draws are the control, of a quarter of the regions") {
  for (const auto& [grid_option, regions] : {std::pair{"grid=4", 4}, {"grid=2", 1}}) {
    Learnt coloured(paint_colour, grid_option);
    CHECK(coloured.deletion(2).regions == regions);
    // The faces as they are, without the top regions, and without each draw's.
    CHECK(coloured.faces->reads == (1 + 1 + 5) * face_count);
  }
}
