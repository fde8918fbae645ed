#include "fer/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "engine/error.h"

namespace fermion::fer {
namespace {

constexpr int bins = 15;

double share(std::int64_t part, std::int64_t whole) {
  return whole ? static_cast<double>(part) / static_cast<double>(whole)
               : std::numeric_limits<double>::quiet_NaN();
}

// How often the network is right beside how sure it is, by how sure it is.
struct Calibration {
  std::int64_t correct[bins] = {};
  double confidence[bins] = {};

  void add(float p, bool right) {
    const int bin = std::clamp(static_cast<int>(std::ceil(p * bins)) - 1, 0, bins - 1);
    confidence[bin] += p;
    correct[bin] += right;
  }
  double error(std::int64_t images) const {
    double sum = 0;
    for (int bin = 0; bin < bins; ++bin) sum += std::abs(static_cast<double>(correct[bin]) - confidence[bin]);
    return sum / static_cast<double>(images);
  }
};

void check_inputs(std::span<const float> probabilities, std::span<const int> labels, int classes) {
  if (labels.empty() || classes < 1 ||
      probabilities.size() != labels.size() * static_cast<std::size_t>(classes))
    throw engine::Error("measure: {} probabilities for {} labels and {} classes", probabilities.size(),
                        labels.size(), classes);
  for (float p : probabilities)
    if (!std::isfinite(p)) throw engine::Error("measure: a probability is {}", p);
  for (int label : labels)
    if (label < 0 || label >= classes) throw engine::Error("measure: label {} of {} classes", label, classes);
}

}  // namespace

Interval wilson_interval(std::int64_t correct, std::int64_t count) {
  if (count == 0) return {};
  const double z = 1.959963984540054, n = static_cast<double>(count), p = static_cast<double>(correct) / n;
  const double centre = p + z * z / (2 * n), half = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  const double scale = 1 + z * z / n;
  return {std::max(0.0, (centre - half) / scale), std::min(1.0, (centre + half) / scale)};
}

Metrics measure(std::span<const float> probabilities, std::span<const int> labels, int classes) {
  check_inputs(probabilities, labels, classes);
  const auto count = static_cast<std::size_t>(classes);
  Metrics metrics;
  metrics.images = static_cast<std::int64_t>(labels.size());
  metrics.confusion.assign(count, std::vector<std::int64_t>(count));
  Calibration calibration;
  std::int64_t correct = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto row = probabilities.subspan(i * count, count);
    const auto best = std::max_element(row.begin(), row.end());
    const auto truth = static_cast<std::size_t>(labels[i]),
               call = static_cast<std::size_t>(best - row.begin());
    ++metrics.confusion[truth][call];
    correct += truth == call;
    calibration.add(*best, truth == call);
  }
  metrics.accuracy = share(correct, metrics.images);
  metrics.interval = wilson_interval(correct, metrics.images);
  metrics.ece = calibration.error(metrics.images);

  int present = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t hits = metrics.confusion[i][i];
    std::int64_t images = 0, calls = 0;
    for (std::size_t j = 0; j < count; ++j) {
      images += metrics.confusion[i][j];
      calls += metrics.confusion[j][i];
    }
    metrics.recall.push_back(share(hits, images));
    metrics.precision.push_back(share(hits, calls));
    if (images == 0) continue;
    ++present;
    metrics.mean_class_accuracy += metrics.recall.back();
    metrics.macro_f1 += share(2 * hits, images + calls);
  }
  metrics.mean_class_accuracy /= present;
  metrics.macro_f1 /= present;
  return metrics;
}

nlohmann::json to_json(const Metrics& metrics, const std::vector<std::string>& class_names) {
  nlohmann::json json = {{"images", metrics.images},
                         {"accuracy", metrics.accuracy},
                         {"accuracy_interval", {metrics.interval.low, metrics.interval.high}},
                         {"mean_class_accuracy", metrics.mean_class_accuracy},
                         {"macro_f1", metrics.macro_f1},
                         {"ece", metrics.ece},
                         {"confusion", metrics.confusion}};
  for (std::size_t i = 0; i < class_names.size(); ++i) {
    json["precision"][class_names[i]] = metrics.precision.at(i);
    json["recall"][class_names[i]] = metrics.recall.at(i);
  }
  return json;
}

double roc_auc(std::span<const float> scores, const std::vector<bool>& inside) {
  if (scores.size() != inside.size())
    throw engine::Error("roc_auc: {} scores for {} elements", scores.size(), inside.size());
  for (float score : scores)
    if (std::isnan(score)) throw engine::Error("roc_auc: a score is NaN");
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });

  double rank_sum = 0, members = 0;
  for (std::size_t first = 0, last; first < order.size(); first = last) {
    for (last = first + 1; last < order.size() && scores[order[last]] == scores[order[first]];) ++last;
    const double midrank = static_cast<double>(first + 1 + last) / 2;
    for (std::size_t i = first; i < last; ++i) {
      if (!inside[order[i]]) continue;
      rank_sum += midrank;
      ++members;
    }
  }
  const double others = static_cast<double>(scores.size()) - members;
  if (members == 0 || others == 0) return std::numeric_limits<double>::quiet_NaN();
  return (rank_sum - members * (members + 1) / 2) / (members * others);
}

}  // namespace fermion::fer
