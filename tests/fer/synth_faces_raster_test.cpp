// The rasteriser: coverage is area.
#include <doctest/doctest.h>

#include "fer/synth_faces/raster.h"

using namespace fermion::fer::synth;

namespace {

double area(const Mask& mask) {
  double sum = 0;
  for (int y = 0; y < mask.size(); ++y)
    for (int x = 0; x < mask.size(); ++x) sum += mask.at(x, y);
  return sum;
}

Path ring(Vec2 centre, float radius, int corners) {
  Path path;
  for (int i = 0; i <= corners; ++i) {
    const float angle = 6.2831853f * static_cast<float>(i % corners) / static_cast<float>(corners);
    path.push_back(centre + radius * Vec2{std::cos(angle), std::sin(angle)});
  }
  return path;
}

}  // namespace

TEST_CASE("a polygon covers its area, and each pixel its part of it") {
  Mask mask(20);
  fill(mask, {{2.25f, 3.5f}, {7.75f, 3.5f}, {7.75f, 9.25f}, {2.25f, 9.25f}});
  CHECK(area(mask) == doctest::Approx(5.5 * 5.75));
  CHECK(mask.at(2, 5) == doctest::Approx(0.75));
  CHECK(mask.at(7, 5) == doctest::Approx(0.75));
  CHECK(mask.at(4, 3) == doctest::Approx(0.5));
  CHECK(mask.at(2, 9) == doctest::Approx(0.75 * 0.25));
  CHECK(mask.at(5, 5) == doctest::Approx(1));
  CHECK(mask.at(8, 5) == 0);

  fill(mask, {{1.3f, 2.1f}, {17.9f, 5.4f}, {6.2f, 18.7f}});  // a new shape forgets the last
  CHECK(
      area(mask) ==
      doctest::Approx(0.5 * std::abs((17.9 - 1.3) * (18.7 - 2.1) - (6.2 - 1.3) * (5.4 - 2.1))).epsilon(1e-4));
  fill(mask, {{6.2f, 18.7f}, {17.9f, 5.4f}, {1.3f, 2.1f}});  // whichever way round
  CHECK(
      area(mask) ==
      doctest::Approx(0.5 * std::abs((17.9 - 1.3) * (18.7 - 2.1) - (6.2 - 1.3) * (5.4 - 2.1))).epsilon(1e-4));
}

TEST_CASE("a hole runs the other way round") {
  Mask mask(40);
  const Path outer = ring({20, 20}, 15, 200), hole = ring({20, 20}, 6, 200);
  fill(mask, joined(outer, reversed(hole)));
  CHECK(area(mask) == doctest::Approx(3.14159 * (15 * 15 - 6 * 6)).epsilon(1e-3));
  CHECK(mask.at(20, 20) == 0);
  CHECK(mask.at(20, 9) == doctest::Approx(1));
}

TEST_CASE("what lies outside the picture is cut off") {
  Mask mask(16);
  fill(mask, ring({0, 8}, 6, 200));
  CHECK(area(mask) == doctest::Approx(0.5 * 3.14159 * 36).epsilon(2e-3));
  fill(mask, {{-50, -50}, {70, -50}, {70, 70}, {-50, 70}});
  CHECK(area(mask) == doctest::Approx(256));
  for (const Vec2 far : {Vec2{-40, 8}, Vec2{60, 8}, Vec2{8, -40}, Vec2{8, 60}}) {
    fill(mask, ring(far, 6, 20));
    CHECK(area(mask) == 0);
    stroke(mask, {far, far + Vec2{1, 1}}, even(3));
    CHECK(area(mask) == 0);
    blob(mask, far, {5, 5}, {1, 0});
    CHECK(area(mask) == 0);
  }
}

TEST_CASE("a stroke covers twice its radius times its length, and a round end each") {
  Mask mask(60);
  stroke(mask, {{12, 14}, {44, 38}}, even(4));
  CHECK(area(mask) == doctest::Approx(2 * 4 * 40 + 3.14159 * 16).epsilon(0.01));
  stroke(mask, {{12, 14}, {28, 26}, {44, 38}}, {2, 4, 6});  // from one radius to another
  CHECK(area(mask) == doctest::Approx(2 * 4 * 40 + 0.5 * 3.14159 * (4 + 36)).epsilon(0.02));
}

TEST_CASE("a blob's integral is pi a b / 3, turned or not") {
  Mask mask(60);
  for (const float angle : {0.0f, 0.4f, 1.3f}) {
    blob(mask, {30, 29}, {20, 9}, {std::cos(angle), std::sin(angle)});
    CHECK(area(mask) == doctest::Approx(3.14159 * 20 * 9 / 3).epsilon(1e-3));
  }
  CHECK(mask.at(29, 28) > 0.98);
}

TEST_CASE("curves pass through their points") {
  const Path points{{0, 0}, {3, 1}, {4, 5}, {-2, 6}};
  const Path curve = smooth(points, 5), loop = smooth_closed(points, 5);
  REQUIRE(curve.size() == 16);
  REQUIRE(loop.size() == 20);
  for (std::size_t i = 0; i < points.size(); ++i) {
    CHECK(length(curve[5 * i] - points[i]) < 1e-6f);
    CHECK(length(loop[5 * i] - points[i]) < 1e-6f);
  }
  const Path line = smooth({{0, 0}, {1, 2}, {2, 4}}, 3);
  for (const Vec2 p : line) CHECK(p.y == doctest::Approx(2 * p.x));
}

TEST_CASE("painting mixes, tinting multiplies, embossing slopes; all stay within the clip") {
  Canvas canvas(20);
  for (Surface& surface : canvas.pixels) surface.albedo = {0.5f, 0.5f, 0.5f};
  Mask mask(20), clip(20);
  fill(mask, {{2, 2}, {18, 2}, {18, 18}, {2, 18}});
  fill(clip, {{0, 0}, {10, 0}, {10, 20}, {0, 20}});
  paint(canvas, mask, &clip, {1, 0, 0}, 0.5f);
  CHECK(canvas.at(5, 5).albedo.r == doctest::Approx(0.75));
  CHECK(canvas.at(5, 5).albedo.g == doctest::Approx(0.25));
  CHECK(canvas.at(12, 5).albedo.r == doctest::Approx(0.5));
  CHECK(canvas.at(1, 5).albedo.r == doctest::Approx(0.5));
  tint(canvas, mask, nullptr, {0.5f, 1, 1});
  CHECK(canvas.at(12, 5).albedo.r == doctest::Approx(0.25));
  CHECK(canvas.at(12, 5).albedo.g == doctest::Approx(0.5));

  // A hill of height 3: its left side rises, its right side falls, its steepness adds up to its height.
  blob(mask, {10, 10.5f}, {8, 8}, {1, 0});
  emboss(canvas, mask, nullptr, 3);
  double climb = 0;
  for (int x = 0; x < 10; ++x) climb += canvas.at(x, 10).slope.x;
  CHECK(climb == doctest::Approx(3).epsilon(0.02));
  CHECK(canvas.at(6, 10).slope.x > 0.3f);
  CHECK(canvas.at(13, 10).slope.x == doctest::Approx(-canvas.at(6, 10).slope.x));
  CHECK(canvas.at(9, 6).slope.y > 0.3f);
}
