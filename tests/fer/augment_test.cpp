#include "fer/augment.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <doctest/doctest.h>
#include <vector>

using namespace fermion::fer;
using fermion::kernels::AugmentParameters;

namespace {

constexpr int width = 64, height = 48, count = 20000;

std::vector<AugmentParameters> draw(const AugmentOptions& options, std::uint64_t seed = 1,
                                    std::uint32_t epoch = 0) {
  std::vector<AugmentParameters> all;
  for (std::uint64_t i = 0; i < count; ++i)
    all.push_back(draw_augmentation(options, seed, epoch, i, width, height));
  return all;
}

bool same(const AugmentParameters& a, const AugmentParameters& b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

// Nothing but what the test switches on.
constexpr AugmentOptions none{.flip = 0, .shift = 0, .scale = 0, .rotation = 0, .brightness = 0, .erase = 0};

// Smallest and largest of a figure of all draws.
template <class Figure>
std::pair<double, double> range(const std::vector<AugmentParameters>& all, Figure figure) {
  double low = INFINITY, high = -INFINITY;
  for (const AugmentParameters& p : all) {
    low = std::min<double>(low, figure(p));
    high = std::max<double>(high, figure(p));
  }
  return {low, high};
}

void check_range(std::pair<double, double> actual, double low, double high) {
  const double slack = (high - low) * 0.01;
  CHECK(actual.first >= low - 1e-5);
  CHECK(actual.first < low + slack);
  CHECK(actual.second <= high + 1e-5);
  CHECK(actual.second > high - slack);
}

template <class Event>
double share(const std::vector<AugmentParameters>& all, Event event) {
  return static_cast<double>(std::count_if(all.begin(), all.end(), event)) / count;
}

}  // namespace

TEST_CASE("switched off, and with every option at zero, nothing changes") {
  for (const AugmentOptions& options : {AugmentOptions{.enabled = false}, none}) {
    AugmentParameters p = draw_augmentation(options, 1, 2, 3, width, height);
    // Zeros may be negative.
    for (float* zero : {&p.xy, &p.yx, &p.dx, &p.dy}) *zero = std::abs(*zero);
    CHECK(same(p, AugmentParameters()));
  }
}

TEST_CASE("seed, epoch and index decide, and nothing else") {
  const AugmentParameters first = draw_augmentation({}, 1, 2, 3, width, height);
  CHECK(same(first, draw_augmentation({}, 1, 2, 3, width, height)));
  CHECK_FALSE(same(first, draw_augmentation({}, 2, 2, 3, width, height)));
  CHECK_FALSE(same(first, draw_augmentation({}, 1, 3, 3, width, height)));
  CHECK_FALSE(same(first, draw_augmentation({}, 1, 2, 4, width, height)));
}

TEST_CASE("each option does its part, over its whole range") {
  const auto with = [&](auto set) {
    AugmentOptions options = none;
    set(options);
    return draw(options);
  };
  // Three standard deviations of a share of 20,000 are 0.011.
  CHECK(share(with([](auto& o) { o.flip = 0.5; }), [](auto& p) { return p.xx == -1; }) ==
        doctest::Approx(0.5).epsilon(0.022));
  const auto shifted = with([](auto& o) { o.shift = 0.08; });
  check_range(range(shifted, [](auto& p) { return p.dx; }), -0.08 * width, 0.08 * width);
  check_range(range(shifted, [](auto& p) { return p.dy; }), -0.08 * height, 0.08 * height);
  check_range(range(with([](auto& o) { o.scale = 0.05; }), [](auto& p) { return 1 / p.xx; }), 0.95, 1.05);
  check_range(range(with([](auto& o) { o.rotation = 20; }),
                    [](auto& p) { return std::atan2(p.xy, p.xx) * 180 / 3.14159265358979; }),
              -20, 20);
  check_range(range(with([](auto& o) { o.brightness = 0.2; }), [](auto& p) { return p.brightness; }), 0.8,
              1.2);
}

TEST_CASE("a rectangle is erased with the given probability, of 2 to 25 %, inside the image") {
  AugmentOptions options = none;
  options.erase = 0.3;
  const auto all = draw(options);
  const auto erases = [](const AugmentParameters& p) { return p.bottom > p.top; };
  CHECK(share(all, erases) == doctest::Approx(0.3).epsilon(0.033));
  double smallest = 1, largest = 0, rows = 0, erased = 0;
  for (const AugmentParameters& p : all) {
    if (!erases(p)) continue;
    const float h = p.bottom - p.top, w = p.right - p.left;
    REQUIRE((p.top >= 0 && p.left >= 0 && p.bottom <= height && p.right <= width));
    REQUIRE((p.top == std::floor(p.top) && p.left == std::floor(p.left) && h == std::floor(h) &&
             w == std::floor(w)));
    smallest = std::min<double>(smallest, h * w / (width * height));
    largest = std::max<double>(largest, h * w / (width * height));
    rows += (p.top + p.bottom) / 2;
    ++erased;
  }
  // Sides are rounded to pixels.
  CHECK(smallest == doctest::Approx(0.02).epsilon(0.2));
  CHECK(largest == doctest::Approx(0.25).epsilon(0.05));
  CHECK(rows / erased == doctest::Approx(height / 2.0).epsilon(0.02));
}

TEST_CASE("the matrix leads back from the output to the source") {
  for (std::uint64_t i = 0; i < 50; ++i) {
    const AugmentParameters p = draw_augmentation({}, 1, 0, i, width, height);
    const double determinant = p.xx * p.yy - p.xy * p.yx;
    // Forwards: a point of the source mirrored, scaled, turned, shifted. Its distances scale by 0.95 .. 1.05.
    const double scale = 1 / std::sqrt(std::abs(determinant));
    CHECK(scale == doctest::Approx(1).epsilon(0.0501));
    CHECK(std::hypot(p.xx, p.yx) * scale == doctest::Approx(1));
    CHECK(p.xx * p.xy + p.yx * p.yy == doctest::Approx(0).epsilon(1e-6));
    // The source's centre comes from shift_x, shift_y right and below the output's.
    const double shift_x = -(p.yy * p.dx - p.xy * p.dy) / determinant;
    const double shift_y = -(p.xx * p.dy - p.yx * p.dx) / determinant;
    CHECK(std::abs(shift_x) <= 0.08 * width + 1e-4);
    CHECK(std::abs(shift_y) <= 0.08 * height + 1e-4);
  }
}
