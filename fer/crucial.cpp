#include "fer/crucial.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "fer/labels.h"
#include "fer/synth_dataset.h"
#include "kernels/loop_errors.h"
#include "kernels/rng.h"

namespace fermion::fer {
namespace {

FaceOptions face_options(std::uint64_t seed, std::int64_t index, int size) {
  FaceOptions options;
  options.seed = seed;
  options.index = index;
  options.size = size;
  return options;
}

// Mean truth maps of training faces: of each expression, and of all. Each face counts the same, whatever its
// contrast.
struct MeanTruth {
  std::array<std::vector<float>, synth_expressions> of;
  std::vector<float> all;
};

MeanTruth mean_truth(std::uint64_t seed, int size, int grid, int faces, int threads) {
  const std::int64_t begin = first_face(SplitName::train);
  std::vector<std::vector<float>> maps(static_cast<std::size_t>(faces));
  kernels::LoopErrors errors;
#pragma omp parallel for schedule(dynamic, 16) num_threads(threads)
  for (int i = 0; i < faces; ++i)
    errors.collect([&] {
      maps[static_cast<std::size_t>(i)] =
          cell_sums(truth_map(face_options(seed, begin + i, size)), size, grid);
    });
  errors.rethrow();
  MeanTruth mean;
  mean.all.assign(static_cast<std::size_t>(grid * grid), 0.0f);
  mean.of.fill(mean.all);
  for (int i = 0; i < faces; ++i) {
    const std::vector<float>& map = maps[static_cast<std::size_t>(i)];
    const float total = std::accumulate(map.begin(), map.end(), 0.0f);
    std::vector<float>& own = mean.of[static_cast<std::size_t>(expression_at(seed, begin + i))];
    for (std::size_t k = 0; k < map.size() && total > 0; ++k) {
      mean.all[k] += map[k] / total;
      own[k] += map[k] / total;
    }
  }
  return mean;
}

void fill_regions(std::span<std::uint8_t> rgb, int size, int grid, std::span<const int> regions) {
  std::array<std::int64_t, 3> sum{};
  for (std::size_t i = 0; i < rgb.size(); ++i) sum[i % 3] += rgb[i];
  const std::int64_t pixels = std::int64_t{size} * size;
  for (const int k : regions) {
    const int r = k / grid, s = k % grid;
    for (int y = r * size / grid; y < (r + 1) * size / grid; ++y)
      for (int x = s * size / grid; x < (s + 1) * size / grid; ++x)
        for (std::size_t c = 0; c < 3; ++c)
          rgb[static_cast<std::size_t>(y * size + x) * 3 + c] = static_cast<std::uint8_t>(sum[c] / pixels);
  }
}

double accuracy(const Predictions& predictions, const std::vector<int>& labels) {
  double right = 0;
  for (std::int64_t i = 0; i < predictions.faces; ++i)
    right += predictions.label_of(i) == labels[static_cast<std::size_t>(i)];
  return right / static_cast<double>(predictions.faces);
}

std::vector<int> top_regions(std::span<const float> weights, int count) {
  std::vector<int> order(weights.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return weights[static_cast<std::size_t>(a)] > weights[static_cast<std::size_t>(b)];
  });
  order.resize(static_cast<std::size_t>(count));
  return order;
}

std::vector<int> random_regions(int regions, int count, std::uint64_t seed, std::int64_t face, int draw) {
  const kernels::Random random{seed, kernels::stream_of("deletion"), static_cast<std::uint32_t>(draw)};
  std::vector<float> scores;
  for (int k = 0; k < regions; ++k)
    scores.push_back(static_cast<float>(random.uniform(static_cast<std::uint64_t>(face * regions + k))));
  return top_regions(scores, count);
}

void add(const RegionAuc& auc, RegionAuc& sum) {
  sum.value += auc.value;
  sum.mean_map += auc.mean_map;
  sum.expression_map += auc.expression_map;
  sum.faces += auc.faces;
}

void divide(RegionAuc& sum) {
  const double faces = static_cast<double>(std::max<std::int64_t>(sum.faces, 1));
  sum.value /= faces;
  sum.mean_map /= faces;
  sum.expression_map /= faces;
}

nlohmann::json to_json(const RegionAuc& auc) {
  return {{"value", auc.value},
          {"mean_map", auc.mean_map},
          {"expression_map", auc.expression_map},
          {"faces", auc.faces}};
}

}  // namespace

CrucialRegions region_auc(const Predictions& predictions, const Split& test, std::uint64_t seed, int size,
                          int grid, int threads, int map_faces) {
  const MeanTruth mean = mean_truth(seed, size, grid, map_faces, threads);
  std::vector<RegionAuc> of_face(static_cast<std::size_t>(test.size()));
  kernels::LoopErrors errors;
#pragma omp parallel for schedule(dynamic, 16) num_threads(threads)
  for (std::int64_t i = 0; i < test.size(); ++i)
    errors.collect([&] {
      const auto at = static_cast<std::size_t>(i);
      const auto label = static_cast<std::size_t>(test.samples[at].label);
      if (label == static_cast<std::size_t>(Expression::neutral)) return;
      const std::vector<float> truth = truth_map(face_options(seed, first_face(SplitName::test) + i, size));
      const std::vector<bool> crucial = crucial_regions(truth, size, grid);
      if (std::count(crucial.begin(), crucial.end(), false) == 0) return;  // nothing to tell apart
      of_face[at] = {roc_auc(predictions.weights_of(i), crucial), roc_auc(mean.all, crucial),
                     roc_auc(mean.of[label], crucial), 1};
    });
  errors.rethrow();
  CrucialRegions result;
  for (std::size_t i = 0; i < of_face.size(); ++i) {
    add(of_face[i], result.all);
    add(of_face[i], result.by_expression[static_cast<std::size_t>(test.samples[i].label)]);
  }
  divide(result.all);
  for (RegionAuc& auc : result.by_expression) divide(auc);
  return result;
}

Deletion deletion_test(Model& model, engine::Device& device, const Preprocessing& preprocessing,
                       const Split& split, const Predictions& predictions, std::uint64_t seed) {
  constexpr int draws = 5;
  constexpr std::int64_t most_faces = 500;
  const ModelConfig& config = model.config();
  const int count = config.regions() / 4;
  const std::int64_t faces = std::min(most_faces, split.size());
  // Spread over the split: a set may be listed class by class.
  const auto face = [&](std::int64_t i) { return i * split.size() / faces; };
  std::vector<int> labels;
  for (std::int64_t i = 0; i < faces; ++i)
    labels.push_back(split.samples[static_cast<std::size_t>(face(i))].label);
  const auto without = [&](auto regions_of) {
    return accuracy(predict(model, device, preprocessing, faces,
                            [&](std::int64_t i, std::span<std::uint8_t> rgb) {
                              split.read(face(i), rgb);
                              fill_regions(rgb, config.size, config.grid, regions_of(face(i)));
                            }),
                    labels);
  };
  Deletion result;
  result.regions = count;
  result.images = faces;
  result.baseline = without([](std::int64_t) { return std::vector<int>(); });
  result.top = result.baseline -
               without([&](std::int64_t i) { return top_regions(predictions.weights_of(i), count); });
  for (int draw = 0; draw < draws; ++draw)
    result.random += (result.baseline - without([&](std::int64_t i) {
                        return random_regions(config.regions(), count, seed, i, draw);
                      })) /
                     draws;
  return result;
}

nlohmann::json to_json(const CrucialRegions& regions) {
  nlohmann::json result = to_json(regions.all);
  for (std::size_t e = 0; e < regions.by_expression.size(); ++e)
    if (regions.by_expression[e].faces > 0)
      result["by_expression"][std::string(expressions[e])] = to_json(regions.by_expression[e]);
  return result;
}

nlohmann::json to_json(const Deletion& d) {
  return {{"baseline", d.baseline},
          {"top", d.top},
          {"random", d.random},
          {"regions", d.regions},
          {"images", d.images}};
}

}  // namespace fermion::fer
