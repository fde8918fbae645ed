#include "fer/metrics.h"

#include <cmath>
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "kernels/rng.h"

using namespace fermion::fer;
using doctest::Approx;

namespace {

// Three classes, eight images.
//   M = [2 1 0]   recall 2/3, 1/2, 2/3
//       [0 1 1]   precision 2/3, 1/2, 2/3
//       [1 0 2]   F1 4/6, 2/4, 4/6
const std::vector<int> labels = {0, 0, 0, 1, 1, 2, 2, 2};
const std::vector<float> probabilities = {
    0.90f, 0.05f, 0.05f,  //
    0.70f, 0.20f, 0.10f,  //
    0.30f, 0.60f, 0.10f,  // wrong
    0.10f, 0.80f, 0.10f,  //
    0.10f, 0.20f, 0.70f,  // wrong
    0.05f, 0.05f, 0.90f,  //
    0.10f, 0.30f, 0.60f,  //
    0.50f, 0.10f, 0.40f,  // wrong
};

}  // namespace

TEST_CASE("measure against hand-computed values") {
  const Metrics metrics = measure(probabilities, labels, 3);
  CHECK(metrics.images == 8);
  CHECK(metrics.confusion == std::vector<std::vector<std::int64_t>>{{2, 1, 0}, {0, 1, 1}, {1, 0, 2}});
  CHECK(metrics.accuracy == Approx(5.0 / 8));
  CHECK(metrics.recall == std::vector<double>{2.0 / 3, 1.0 / 2, 2.0 / 3});
  CHECK(metrics.precision == std::vector<double>{2.0 / 3, 1.0 / 2, 2.0 / 3});
  CHECK(metrics.mean_class_accuracy == Approx(11.0 / 18));
  CHECK(metrics.macro_f1 == Approx(11.0 / 18));
  // Bins of 1/15: 0.5 alone (wrong), both 0.6 (one right), both 0.7 (one right), 0.8 (right), both 0.9
  // (right).
  CHECK(metrics.ece == Approx((0.5 + 0.2 + 0.4 + 0.2 + 0.2) / 8).epsilon(1e-6));
}

TEST_CASE("precision, recall and F1 differ where calls and images do") {
  // Class 0 called three times, right once; class 1 called once, right.
  const Metrics metrics =
      measure(std::vector<float>{1, 0, 1, 0, 1, 0, 0, 1}, std::vector<int>{0, 1, 1, 1}, 2);
  CHECK(metrics.recall == std::vector<double>{1, 1.0 / 3});
  CHECK(metrics.precision == std::vector<double>{1.0 / 3, 1});
  CHECK(metrics.mean_class_accuracy == Approx(2.0 / 3));
  CHECK(metrics.macro_f1 == Approx(0.5));
  CHECK(metrics.ece == Approx(0.5));
}

TEST_CASE("a class without images is left out of the means; ties go to the first class") {
  const Metrics metrics =
      measure(std::vector<float>{0.4f, 0.4f, 0.2f, 0.1f, 0.1f, 0.8f}, std::vector<int>{0, 0}, 3);
  CHECK(metrics.confusion[0] == std::vector<std::int64_t>{1, 0, 1});
  CHECK(metrics.mean_class_accuracy == Approx(0.5));
  CHECK(metrics.macro_f1 == Approx(2.0 / 3));
  CHECK(std::isnan(metrics.recall[1]));
  CHECK(std::isnan(metrics.precision[1]));
  CHECK(metrics.precision[2] == 0);
}

TEST_CASE("calibration error is zero when confidence is accuracy, and bins include their upper end") {
  CHECK(measure(std::vector<float>{0.5f, 0.5f, 0.5f, 0.5f}, std::vector<int>{0, 1}, 2).ece == Approx(0));
  CHECK(measure(std::vector<float>{1, 0, 1, 0}, std::vector<int>{0, 1}, 2).ece == Approx(0.5));
  // 0.8 = 12/15 in f32 and a little more lie in two bins: |1 - 0.8| + |0 - 0.85|, not |1 - 1.65|.
  CHECK(measure(std::vector<float>{0.8f, 0.2f, 0.85f, 0.15f}, std::vector<int>{0, 1}, 2).ece ==
        Approx((0.2 + 0.85) / 2));
}

TEST_CASE("calibration bins are fifteenths") {
  // 0.68 and 0.72 share a bin, 0.65 and 0.68 do not.
  CHECK(measure(std::vector<float>{0.68f, 0.32f, 0.72f, 0.28f}, std::vector<int>{0, 1}, 2).ece ==
        Approx(0.2));
  CHECK(measure(std::vector<float>{0.65f, 0.35f, 0.68f, 0.32f}, std::vector<int>{0, 1}, 2).ece ==
        Approx((0.35 + 0.68) / 2));
}

TEST_CASE("bad input is refused") {
  using fermion::engine::Error;
  const std::vector<float> two = {0.5f, 0.5f};
  CHECK_THROWS_AS(measure({}, {}, 2), Error);
  CHECK_THROWS_AS(measure(two, std::vector<int>{0, 1}, 2), Error);
  CHECK_THROWS_AS(measure(two, std::vector<int>{2}, 2), Error);
  CHECK_THROWS_AS(measure(two, std::vector<int>{-1}, 2), Error);
  CHECK_THROWS_AS(measure(std::vector<float>{0.5f, NAN}, std::vector<int>{0}, 2), Error);
  CHECK_THROWS_AS(roc_auc(two, {true}), Error);
  CHECK_THROWS_AS(roc_auc(std::vector<float>{0.5f, NAN}, {true, false}), Error);
}

TEST_CASE("Wilson's interval") {
  // Published example values: 8 of 10 gives 49.0 to 94.3 %, 0 of 10 gives 0 to 27.8 %.
  CHECK(wilson_interval(8, 10).low == Approx(0.4902).epsilon(1e-4));
  CHECK(wilson_interval(8, 10).high == Approx(0.9433).epsilon(1e-4));
  CHECK(wilson_interval(0, 10).low == 0);
  CHECK(wilson_interval(0, 10).high == Approx(0.2775).epsilon(1e-4));
  CHECK(wilson_interval(10, 10).high == Approx(1));
  // The ends solve |p - q| = z sqrt(q (1 - q) / n).
  for (double q : {wilson_interval(2650, 3191).low, wilson_interval(2650, 3191).high})
    CHECK(std::abs(2650.0 / 3191 - q) == Approx(1.959964 * std::sqrt(q * (1 - q) / 3191)).epsilon(1e-5));
}

TEST_CASE("ROC AUC by hand, with ties, and with one side empty") {
  CHECK(roc_auc(std::vector<float>{1, 2, 3, 4}, {false, false, true, true}) == 1);
  CHECK(roc_auc(std::vector<float>{1, 2, 3, 4}, {true, true, false, false}) == 0);
  CHECK(roc_auc(std::vector<float>{3, 1, 4, 2}, {true, false, false, true}) == Approx(0.5));
  CHECK(roc_auc(std::vector<float>{7, 7, 7}, {true, false, false}) == Approx(0.5));
  // Pairs: (2, 1) won, (2, 2) tied, (3, 1) won, (3, 2) won.
  CHECK(roc_auc(std::vector<float>{2, 3, 1, 2}, {true, true, false, false}) == Approx(3.5 / 4));
  CHECK(std::isnan(roc_auc(std::vector<float>{1, 2}, {true, true})));
  CHECK(std::isnan(roc_auc(std::vector<float>{1, 2}, {false, false})));
}

TEST_CASE("ROC AUC equals the count over all pairs") {
  const fermion::kernels::Random random{7};
  std::vector<float> scores;
  std::vector<bool> inside;
  for (std::uint64_t i = 0; i < 60; ++i) {
    scores.push_back(static_cast<float>(random.bits(2 * i) % 20));
    inside.push_back(random.bits(2 * i + 1) % 3 == 0);
  }
  double won = 0, pairs = 0;
  for (std::size_t a = 0; a < 60; ++a)
    for (std::size_t b = 0; b < 60; ++b)
      if (inside[a] && !inside[b]) {
        ++pairs;
        won += scores[a] > scores[b] ? 1 : scores[a] == scores[b] ? 0.5 : 0;
      }
  CHECK(roc_auc(scores, inside) == Approx(won / pairs));
}

TEST_CASE("JSON names the classes and shows shares of nothing as null") {
  const Metrics metrics = measure(std::vector<float>{0.6f, 0.4f}, std::vector<int>{0}, 2);
  const nlohmann::json json = to_json(metrics, {"neutral", "happiness"});
  CHECK(json["accuracy"] == 1.0);
  CHECK(json["images"] == 1);
  CHECK(json["recall"]["neutral"] == 1.0);
  CHECK(nlohmann::json::parse(json.dump())["recall"]["happiness"].is_null());
  CHECK(json["accuracy_interval"].size() == 2);
  CHECK(json["confusion"] == nlohmann::json::array({{1, 0}, {0, 0}}));
}
