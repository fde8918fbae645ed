// Figures of predictions that were made by hand.
#include "fer/evaluation.h"

#include <cmath>
#include <doctest/doctest.h>

using namespace fermion::fer;
using doctest::Approx;

namespace {

// Three classes, four regions, three faces.
const Predictions predictions{3,
                              3,
                              4,
                              {0.5f, 0.25f, 0.25f,     //
                               0.125f, 0.75f, 0.125f,  //
                               0.25f, 0.25f, 0.5f},
                              {4, 0, 0, 0,  //
                               1, 1, 1, 1,  //
                               2, 2, 0, 0}};
const std::vector<int> labels = {0, 2, 0};

}  // namespace

TEST_CASE("cross entropy is the mean of -ln p of the label") {
  CHECK(cross_entropy(predictions, labels) == Approx((std::log(2) + std::log(8) + std::log(4)) / 3));
  CHECK(cross_entropy({}, {}) == 0);
}

TEST_CASE("the entropy of the weights is that of q = w / K: 0 for one region, ln K for equal ones") {
  CHECK(weights_entropy(predictions) == Approx((0 + std::log(4) + std::log(2)) / 3));
  CHECK(weights_entropy({}) == 0);
}

TEST_CASE("mean weights of all faces and of each class, in the order of the classes") {
  using Weights = std::vector<float>;
  const std::vector<Weights> means = mean_weights_by_class(predictions, labels);
  REQUIRE(means.size() == 3);
  CHECK(means[0] == Weights{3, 1, 0, 0});
  CHECK(means[1].empty());  // no faces
  CHECK(means[2] == Weights{1, 1, 1, 1});
  CHECK(mean_weights_by_class(predictions, {1, 2, 1})[1] == Weights{3, 1, 0, 0});
  const Weights all = mean_weights(predictions);
  REQUIRE(all.size() == 4);
  for (std::size_t k = 0; k < 4; ++k) CHECK(all[k] == Approx(std::vector{7, 3, 1, 1}[k] / 3.0));
}
