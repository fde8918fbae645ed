#include "fer/exif.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace fermion::fer {
namespace {

using Bytes = std::span<const std::uint8_t>;

bool starts_with(Bytes bytes, std::string_view magic) {
  return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin(),
                                                    [](char a, std::uint8_t b) { return a == char(b); });
}

// `count` bytes at `at` as a number; 0 beyond the end.
std::size_t number(Bytes bytes, std::size_t at, std::size_t count, bool little_endian) {
  if (at > bytes.size() || count > bytes.size() - at) return 0;
  std::size_t value = 0;
  for (std::size_t i = 0; i < count; ++i)
    value = value << 8 | bytes[little_endian ? at + count - 1 - i : at + i];
  return value;
}

// The orientation in a TIFF structure.
int tiff_orientation(Bytes tiff) {
  const bool little_endian = starts_with(tiff, "II");
  const std::size_t directory = number(tiff, 4, 4, little_endian);
  const std::size_t entries = number(tiff, directory, 2, little_endian);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    if (number(tiff, entry, 2, little_endian) != 0x112) continue;
    const std::size_t value = number(tiff, entry + 8, 2, little_endian);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

}  // namespace

int exif_orientation(Bytes jpeg) {
  if (!starts_with(jpeg, "\xFF\xD8")) return 1;
  // Segments FF, marker, length (of itself and what follows), until the scan, FF DA.
  for (std::size_t at = 2; number(jpeg, at, 1, false) == 0xFF && number(jpeg, at + 1, 1, false) != 0xDA;) {
    const std::size_t length = number(jpeg, at + 2, 2, false);
    if (length < 2 || length > jpeg.size() - at - 2) return 1;
    const Bytes segment = jpeg.subspan(at + 4, length - 2);
    if (jpeg[at + 1] == 0xE1 && starts_with(segment, std::string_view("Exif\0\0", 6)))
      return tiff_orientation(segment.subspan(6));
    at += 2 + length;
  }
  return 1;
}

Image upright(Image stored, int orientation) {
  if (orientation == 1) return stored;
  const bool transposed = orientation >= 5;
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  Image image{stored.width, stored.height, {}};
  if (transposed) std::swap(image.width, image.height);
  image.rgb.reserve(stored.rgb.size());
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x) {
      int row = transposed ? x : y, column = transposed ? y : x;
      if (from_bottom) row = stored.height - 1 - row;
      if (from_right) column = stored.width - 1 - column;
      const auto pixel = stored.rgb.begin() + 3 * (std::int64_t{row} * stored.width + column);
      image.rgb.insert(image.rgb.end(), pixel, pixel + 3);
    }
  return image;
}

}  // namespace fermion::fer
