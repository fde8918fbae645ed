#include "fer/canvas.h"

#include <algorithm>
#include <doctest/doctest.h>

using namespace fermion::fer;

namespace {

constexpr Colour ink{200, 100, 50};

Image black(int width, int height) {
  return {width, height, std::vector<std::uint8_t>(3 * static_cast<std::size_t>(width * height))};
}

bool inked(const Image& image, int x, int y) {
  return std::equal(ink.begin(), ink.end(), image.rgb.begin() + 3 * (y * image.width + x));
}

int count(const Image& image) {
  int result = 0;
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x) result += inked(image, x, y);
  return result;
}

}  // namespace

TEST_CASE("a rectangle covers its pixels, cut at the rim") {
  Image image = black(8, 6);
  fill_rectangle(image, 2, 1, 5, 3, ink);
  CHECK(count(image) == 6);
  CHECK(inked(image, 2, 1));
  CHECK(inked(image, 4, 2));
  fill_rectangle(image, 6, 4, 100, 100, ink);
  fill_rectangle(image, -5, -5, 1, 1, ink);
  CHECK(count(image) == 6 + 4 + 1);
}

TEST_CASE("text is centred, 7 pixels high and grows by whole factors") {
  Image small = black(40, 20), large = black(120, 60), cut = black(5, 5);
  write_centred(small, 20, 4, "H8", ink);
  write_centred(large, 60, 12, "H8", ink, 3);
  CHECK(text_width("H8", 3) == 3 * text_width("H8"));
  CHECK(count(small) > 20);
  int top = 20, bottom = 0, left = 40, right = 0;
  for (int y = 0; y < 20; ++y)
    for (int x = 0; x < 40; ++x)
      if (inked(small, x, y)) {
        top = std::min(top, y), bottom = std::max(bottom, y);
        left = std::min(left, x), right = std::max(right, x);
      }
  CHECK(top == 4);
  CHECK(bottom == 10);
  CHECK(std::abs(left + right + 1 - 40) <= 3);
  CHECK(count(large) == 9 * count(small));
  write_centred(cut, 0, -2, "88", ink, 2);
  CHECK(count(cut) > 0);
}
