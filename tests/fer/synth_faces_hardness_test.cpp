// The task is not trivial: a linear classifier on pixels fails at it, and where the action units act in the
// picture differs from face to face.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <doctest/doctest.h>
#include <numeric>
#include <vector>

#include "fer/metrics.h"
#include "fer/synth_faces.h"
#include "fer/synth_faces/parameters.h"
#include "kernels/rng.h"

using namespace fermion::fer;

namespace {

constexpr int face_size = 64, size = 32, pixels = 3 * size * size;

// x: [n, pixels], faces of 64 px with 2 x 2 pixels averaged. On them a linear classifier does as well as on
// all 64 x 64 (it overfits less) in a quarter of the time.
struct Set {
  std::vector<float> x;
  std::vector<int> expression,
      place;  // place: whether the face lies to the left, in the middle or to the right
  int count() const { return static_cast<int>(expression.size()); }
  float* row(int i) { return x.data() + static_cast<std::size_t>(i) * pixels; }
  const float* row(int i) const { return x.data() + static_cast<std::size_t>(i) * pixels; }
};

Set draw_set(std::uint64_t seed, int count) {
  Set set{std::vector<float>(static_cast<std::size_t>(count) * pixels), std::vector<int>(count),
          std::vector<int>(count)};
#pragma omp parallel for schedule(dynamic, 64)
  for (int i = 0; i < count; ++i) {
    std::vector<std::uint8_t> rgb(3 * face_size * face_size);
    FaceOptions face;
    face.seed = seed;
    face.index = i;
    face.size = face_size;
    set.expression[i] = static_cast<int>(draw_face(face, rgb.data()));
    const float x = synth::draw_parameters(seed, i).pose.shift.x;
    set.place[i] = x < -0.05f ? 0 : x < 0.05f ? 1 : 2;
    float* out = set.row(i);
    for (int y = 0; y < face_size; ++y)
      for (int k = 0; k < 3 * face_size; ++k)
        out[(y / 2 * size + k / 6) * 3 + k % 3] += 0.25f * rgb[y * 3 * face_size + k];
  }
  return set;
}

void standardise(Set& train, std::initializer_list<Set*> others) {
  std::vector<double> mean(pixels), square(pixels);
  for (int i = 0; i < train.count(); ++i)
    for (int k = 0; k < pixels; ++k) mean[k] += train.row(i)[k] / train.count();
  for (int i = 0; i < train.count(); ++i)
    for (int k = 0; k < pixels; ++k) square[k] += std::pow(train.row(i)[k] - mean[k], 2) / train.count();
  const auto apply = [&](Set& set) {
    for (int i = 0; i < set.count(); ++i)
      for (int k = 0; k < pixels; ++k)
        set.row(i)[k] = static_cast<float>((set.row(i)[k] - mean[k]) / std::sqrt(square[k] + 1e-6));
  };
  apply(train);
  for (Set* set : others) apply(*set);
}

// Multinomial logistic regression: mean cross entropy + l2/2 |W|^2 (without the bias), by mini-batches with
// momentum. Classes are padded to 8.
class LogisticRegression {
 public:
  using Classes = std::array<float, 8>;

  LogisticRegression(const Set& train, const std::vector<int>& labels, int classes, float l2)
      : classes_(classes), weights_(pixels + 1), velocity_(pixels + 1) {
    constexpr int batch = 200, epochs = 12;
    const int steps = train.count() / batch * epochs;
    std::vector<int> order(labels.size());
    std::iota(order.begin(), order.end(), 0);
    const fermion::kernels::Random random{1, 0, 0};
    std::vector<Classes> gradient(pixels + 1);
    for (int step = 0, next = train.count(); step < steps; ++step, next += batch) {
      if (next + batch > train.count()) {
        next = 0;
        for (std::size_t i = order.size() - 1; i > 0; --i)
          std::swap(order[i], order[random.bits(static_cast<std::uint64_t>(step) << 20 | i) % (i + 1)]);
      }
      for (auto& g : gradient) g.fill(0);
      for (int b = 0; b < batch; ++b) {
        const int i = order[next + b];
        Classes error = probabilities(train.row(i));
        error[labels[i]] -= 1;
        for (float& e : error) e /= batch;
        const float* x = train.row(i);
        for (int k = 0; k < pixels; ++k)
          for (int c = 0; c < 8; ++c) gradient[k][c] += x[k] * error[c];
        for (int c = 0; c < 8; ++c) gradient[pixels][c] += error[c];
      }
      // The standardised pixels' covariance has eigenvalues of up to several hundreds: hence the small steps.
      const float rate = 5e-4f * 0.5f * (1 + std::cos(3.14159265f * step / steps));
      for (int k = 0; k <= pixels; ++k)
        for (int c = 0; c < 8; ++c) {
          const float decay = k < pixels ? l2 * weights_[k][c] : 0;
          velocity_[k][c] = 0.9f * velocity_[k][c] - rate * (gradient[k][c] + decay);
          weights_[k][c] += velocity_[k][c];
        }
    }
  }

  double accuracy(const Set& set, const std::vector<int>& labels) const {
    int right = 0;
    for (int i = 0; i < set.count(); ++i) {
      const Classes p = probabilities(set.row(i));
      right += std::max_element(p.begin(), p.begin() + classes_) - p.begin() == labels[i];
    }
    return static_cast<double>(right) / set.count();
  }

 private:
  Classes probabilities(const float* x) const {
    Classes z = weights_[pixels];
    for (int k = 0; k < pixels; ++k)
      for (int c = 0; c < 8; ++c) z[c] += x[k] * weights_[k][c];
    const float largest = *std::max_element(z.begin(), z.begin() + classes_);
    float total = 0;
    for (int c = 0; c < 8; ++c) total += z[c] = c < classes_ ? std::exp(z[c] - largest) : 0;
    for (float& p : z) p /= total;
    return z;
  }

  int classes_;
  std::vector<Classes> weights_, velocity_;  // [pixels + 1: the bias][classes]
};

// Test accuracy with the L2 that is best on valid.
double linear_accuracy(const Set& train, const Set& valid, const Set& test, std::vector<int> Set::*labels,
                       int classes) {
  double best = 0, reported = 0;
  for (const float l2 : {0.01f, 0.1f, 1.0f}) {
    const LogisticRegression model(train, train.*labels, classes, l2);
    const double on_valid = model.accuracy(valid, valid.*labels),
                 on_test = model.accuracy(test, test.*labels);
    MESSAGE("L2 " << l2 << ": valid " << on_valid << " test " << on_test);
    if (on_valid > best) best = on_valid, reported = on_test;
  }
  return reported;
}

}  // namespace

TEST_CASE("a linear classifier on 8,000 faces' pixels stays below 60 %") {
  Set train = draw_set(1, 8000), valid = draw_set(2, 1000), test = draw_set(3, 1000);
  standardise(train, {&valid, &test});
  CHECK(linear_accuracy(train, valid, test, &Set::expression, synth_expressions) < 0.60);
  // The same classifier does find what is nearly linear: where the face is.
  CHECK(linear_accuracy(train, valid, test, &Set::place, 3) > 0.70);
}

TEST_CASE("the mean truth map foretells a face's crucial regions well, yet not wholly") {
  constexpr int grid = 4, count = 700;
  std::vector<std::vector<float>> maps;
  std::vector<float> mean(grid * grid);
  for (std::int64_t i = 0; i < count; ++i) {
    if (expression_at(1, i) == Expression::neutral) continue;
    FaceOptions face;
    face.seed = 1;
    face.index = i;
    maps.push_back(truth_map(face));
    const std::vector<float> cells = cell_sums(maps.back(), face.size, grid);
    for (int k = 0; k < grid * grid; ++k) mean[k] += cells[k];
  }
  double total = 0;
  for (const auto& map : maps) total += roc_auc(mean, crucial_regions(map, 64, grid));
  const double auc = total / static_cast<double>(maps.size());
  MESSAGE("region AUC of the mean truth map: " << auc);
  // Faces are faces: mouths and brows are likelier than corners. What is missing to 1 differs from face to
  // face.
  CHECK(std::abs(auc - 0.85) < 0.02);
}
