#include "fer/overlay.h"

#include <array>
#include <cmath>
#include <doctest/doctest.h>
#include <limits>
#include <vector>

#include "engine/error.h"

using namespace fermion::fer;
using fermion::engine::Error;

namespace {

Image flat(int width, int height, std::array<std::uint8_t, 3> colour) {
  Image image{width, height, {}};
  for (int i = 0; i < width * height; ++i) image.rgb.insert(image.rgb.end(), colour.begin(), colour.end());
  return image;
}

using Pixel = std::array<int, 3>;

Pixel at(const Image& image, int x, int y) {
  const std::uint8_t* pixel =
      &image.rgb[3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) +
                      static_cast<std::size_t>(x))];
  return {pixel[0], pixel[1], pixel[2]};
}

// Rec. 709 luminance of linear light, in 0..1.
double luminance(const Pixel& pixel) {
  const auto linear = [](int v) { return std::pow(v / 255.0, 2.2); };
  return 0.2126 * linear(pixel[0]) + 0.7152 * linear(pixel[1]) + 0.0722 * linear(pixel[2]);
}

}  // namespace

TEST_CASE("tints: none at 1, the ends at 1/4 and 4, halves and doubles equally strong") {
  CHECK(weight_tint(1).opacity == 0);
  CHECK(weight_tint(4).opacity == doctest::Approx(0.75));
  CHECK(weight_tint(16).opacity == doctest::Approx(0.75));
  CHECK(weight_tint(0).opacity == doctest::Approx(0.75));
  CHECK(weight_tint(2).opacity == doctest::Approx(0.75 * std::pow(0.5, 0.7)));
  CHECK(weight_tint(0.5f).opacity == doctest::Approx(weight_tint(2).opacity));
  CHECK(weight_tint(0.5f).blue > weight_tint(0.5f).red);
  CHECK(weight_tint(2).red > weight_tint(2).blue);
  CHECK_THROWS_AS(weight_tint(-0.1f), Error);
  CHECK_THROWS_AS(weight_tint(std::numeric_limits<float>::quiet_NaN()), Error);
}

TEST_CASE("an overlay enlarges by the smallest whole factor and blends each region's tint") {
  // 126 is the luma of (60, 150, 80), rounded: 12.76 + 107.28 + 5.78 = 125.81.
  const std::array<float, 4> weights = {1, 4, 0.25f, 0.5f};
  const Image image = overlay(flat(48, 50, {60, 150, 80}), weights, 2);
  REQUIRE(image.width == 240);
  REQUIRE(image.height == 250);
  CHECK(at(image, 10, 10) == Pixel{126, 126, 126});
  // luma + 3/4 (tint - luma)
  CHECK(at(image, 200, 10) == Pixel{223, 144, 31});
  CHECK(at(image, 10, 200) == Pixel{46, 76, 144});
  // opacity 3/4 0.5^0.7 = 0.46168
  CHECK(at(image, 200, 200) == Pixel{77, 95, 137});
  // White lines at 35 % between the regions, none at the rim.
  CHECK(at(image, 120, 10) == Pixel{234, 183, 110});
  CHECK(at(image, 119, 10) == Pixel{126, 126, 126});
  CHECK(at(image, 10, 125) == Pixel{119, 139, 183});
  CHECK(at(image, 0, 0) == Pixel{126, 126, 126});
}

TEST_CASE("a large face keeps its size, and an odd side is shared out between the regions") {
  const std::array<float, 9> weights = {4, 1, 1, 1, 1, 1, 1, 1, 1};
  const Image image = overlay(flat(301, 250, {90, 90, 90}), weights, 3);
  CHECK(image.width == 301);
  CHECK(image.height == 250);
  CHECK(at(image, 99, 82) == Pixel{214, 135, 23});
  CHECK(at(image, 101, 82) == Pixel{90, 90, 90});
  CHECK(at(image, 99, 84) == Pixel{90, 90, 90});
  CHECK(at(image, 50, 166) == Pixel{90, 90, 90});
  CHECK(at(image, 50, 167) == Pixel{148, 148, 148});
}

TEST_CASE("on mid-grey, a greater weight is lighter all along the scale") {
  double before = -1;
  for (float weight : {0.25f, 0.35f, 0.5f, 0.7f, 1.0f, 1.4f, 2.0f, 2.8f, 4.0f}) {
    const Image image = overlay(flat(8, 8, {128, 128, 128}), std::array{weight}, 1);
    CAPTURE(weight);
    CHECK(luminance(at(image, 4, 4)) > before + 0.005);
    before = luminance(at(image, 4, 4));
  }
}

TEST_CASE("each region that has room bears its weight") {
  const auto whites = [](const Image& image, int x0, int y0, int x1, int y1) {
    int count = 0;
    for (int y = y0; y < y1; ++y)
      for (int x = x0; x < x1; ++x) count += at(image, x, y) == Pixel{255, 255, 255};
    return count;
  };
  const Image face = flat(48, 48, {100, 100, 100});
  const Image image = overlay(face, std::array{1.0f, 0.12f, 1.86f, 1.02f}, 2);
  // Digits and point as the font draws them: 1.0, 0.1, 1.9 and 1.0 again.
  CHECK(whites(image, 0, 0, 120, 120) > 100);
  CHECK(whites(image, 0, 0, 120, 120) == whites(image, 120, 120, 240, 240));
  CHECK(whites(image, 120, 0, 240, 120) == whites(image, 0, 0, 120, 120));
  CHECK(whites(image, 0, 120, 120, 240) != whites(image, 0, 0, 120, 120));
  CHECK(whites(image, 40, 45, 80, 75) == whites(image, 0, 0, 120, 120));
  const std::vector<float> many(24 * 24, 1.0f);
  CHECK(whites(overlay(face, many, 24), 0, 0, 240, 240) == 0);
}

TEST_CASE("an overlay refuses weights that do not fit the grid and faces smaller than it") {
  const std::array<float, 4> weights = {1, 1, 1, 1};
  CHECK_THROWS_AS(overlay(flat(9, 9, {0, 0, 0}), weights, 3), Error);
  CHECK_THROWS_AS(overlay(flat(9, 1, {0, 0, 0}), weights, 2), Error);
  CHECK_THROWS_AS(overlay(Image{}, weights, 2), Error);
}
