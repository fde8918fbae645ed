#include "fer/exif.h"

#include <doctest/doctest.h>
#include <string>

// Writes JPEG.
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image_write.h>

using namespace fermion::fer;

namespace {

// `value` in `count` bytes of either order.
std::string number(unsigned value, int count, bool little_endian) {
  std::string bytes;
  for (int i = 0; i < count; ++i)
    bytes.push_back(static_cast<char>(value >> 8 * (little_endian ? i : count - 1 - i)));
  return bytes;
}

// The EXIF segment with a directory of two entries: another tag's, then the orientation.
std::string exif(unsigned orientation, bool little_endian) {
  const auto n = [&](unsigned value, int count) { return number(value, count, little_endian); };
  const std::string tiff = (little_endian ? "II" : "MM") + n(42, 2) + n(8, 4) + n(2, 2) +  //
                           n(0x10F, 2) + n(3, 2) + n(1, 4) + n(5, 2) + n(0, 2) +           //
                           n(0x112, 2) + n(3, 2) + n(1, 4) + n(orientation, 2) + n(0, 2) + n(0, 4);
  const std::string body = std::string("Exif\0\0", 6) + tiff;
  return "\xFF\xE1" + number(static_cast<unsigned>(body.size()) + 2, 2, false) + body;
}

std::string jpeg(const Image& image) {
  std::string bytes;
  stbi_write_jpg_to_func(
      [](void* all, void* data, int size) {
        static_cast<std::string*>(all)->append(static_cast<char*>(data), static_cast<std::size_t>(size));
      },
      &bytes, image.width, image.height, 3, image.rgb.data(), 95);
  return bytes;
}

// A JPEG with the segment behind its first one, as cameras write it.
std::string with_segment(const std::string& jpeg, const std::string& segment) {
  const std::size_t at = 4 + static_cast<unsigned char>(jpeg[5]);
  return jpeg.substr(0, at) + segment + jpeg.substr(at);
}

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// The corner of a grey picture that is black: "tl", "tr", "bl" or "br".
std::string black_corner(const Image& image) {
  const auto value = [&](int y, int x) {
    return image.rgb[3 * static_cast<std::size_t>(y * image.width + x)];
  };
  std::string corner;
  for (int y : {0, 1})
    for (int x : {0, 1})
      if (value(y * (image.height - 1), x * (image.width - 1)) < 64)
        corner += std::string(y ? "b" : "t") + (x ? "r" : "l");
  return corner;
}

// 32 x 16 px, white with a black block of 8 x 8 px in the corner at the top left.
Image marked() {
  Image image{32, 16, std::vector<std::uint8_t>(3 * 32 * 16, 255)};
  for (std::size_t y = 0; y < 8; ++y) std::fill_n(&image.rgb[3 * 32 * y], 3 * 8, std::uint8_t{0});
  return image;
}

// What decoding the marked picture with that orientation gives.
Image decoded(int orientation, bool little_endian) {
  const std::string bytes =
      with_segment(jpeg(marked()), exif(static_cast<unsigned>(orientation), little_endian));
  return decode_image(bytes_of(bytes), "picture");
}

}  // namespace

TEST_CASE("a JPEG is turned as its EXIF says") {
  // By orientation: where the corner that is stored first is to be seen.
  const char* corners[] = {"tl", "tr", "br", "bl", "tl", "tr", "br", "bl"};
  for (int orientation = 1; orientation <= 8; ++orientation)
    for (bool little_endian : {false, true}) {
      CAPTURE(orientation);
      CAPTURE(little_endian);
      const Image image = decoded(orientation, little_endian);
      CHECK(image.width == (orientation < 5 ? 32 : 16));
      CHECK(image.height == (orientation < 5 ? 16 : 32));
      CHECK(black_corner(image) == corners[orientation - 1]);
    }
  CHECK(decoded(0, true) == decoded(1, true));
  CHECK(decoded(9, true) == decoded(1, true));
}

TEST_CASE("each orientation moves every pixel as declared") {
  const auto grey = [](int width, int height, std::vector<std::uint8_t> values) {
    Image image{width, height, {}};
    for (const std::uint8_t value : values) image.rgb.insert(image.rgb.end(), 3, value);
    return image;
  };
  const Image stored = grey(3, 2, {1, 2, 3, 4, 5, 6});
  CHECK(upright(stored, 1) == stored);
  CHECK(upright(stored, 2) == grey(3, 2, {3, 2, 1, 6, 5, 4}));
  CHECK(upright(stored, 3) == grey(3, 2, {6, 5, 4, 3, 2, 1}));
  CHECK(upright(stored, 4) == grey(3, 2, {4, 5, 6, 1, 2, 3}));
  CHECK(upright(stored, 5) == grey(2, 3, {1, 4, 2, 5, 3, 6}));
  CHECK(upright(stored, 6) == grey(2, 3, {4, 1, 5, 2, 6, 3}));
  CHECK(upright(stored, 7) == grey(2, 3, {6, 3, 5, 2, 4, 1}));
  CHECK(upright(stored, 8) == grey(2, 3, {3, 6, 2, 5, 1, 4}));
}

TEST_CASE("a JPEG without EXIF, or cut anywhere, is upright or turned, and nothing is read beyond its end") {
  const std::string plain = jpeg(marked()), turned = with_segment(plain, exif(6, true));
  CHECK(exif_orientation(bytes_of(plain)) == 1);
  CHECK(exif_orientation({}) == 1);
  CHECK(exif_orientation(bytes_of("\x89PNG")) == 1);
  for (std::size_t size = 0; size < turned.size(); ++size) {
    // A copy of just that size, so that the address checks see a read beyond it.
    const std::vector<std::uint8_t> cut(turned.begin(), turned.begin() + static_cast<long>(size));
    const int orientation = exif_orientation(cut);
    CHECK((orientation == 1 || orientation == 6));
  }
  CHECK(exif_orientation(bytes_of(turned)) == 6);
  // A directory that claims to lie, or to go on, beyond the segment.
  std::string far = turned, many = turned;
  const std::size_t tiff = turned.find("II");
  far.replace(tiff + 4, 4, "\xFF\xFF\xFF\xFF");
  CHECK(exif_orientation(bytes_of(far)) == 1);
  many.replace(tiff + 8, 2, "\xFF\xFF");
  many[tiff + 22] = 0;
  CHECK(exif_orientation(bytes_of(many)) == 1);
}
