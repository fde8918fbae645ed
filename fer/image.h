// Pictures: read, resized, cut, written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace fermion::fer {

// u8 [height, width, 3], sRGB as stored. A grey picture repeats its channel; a picture with alpha is
// composited over white.
struct Image {
  int width = 0, height = 0;
  std::vector<std::uint8_t> rgb;

  bool operator==(const Image&) const = default;
};

// x, y: the top left pixel.
struct Box {
  int x = 0, y = 0, width = 0, height = 0;

  bool operator==(const Box&) const = default;
};

// Larger pictures are refused before they are decoded.
inline constexpr int max_image_side = 16384;
inline constexpr std::int64_t max_image_pixels = 100'000'000;

// PNG or JPEG; a JPEG is turned upright as its EXIF says. Throws engine::Error,
// which names the path: missing, a folder, empty, not an image, too large, truncated or damaged.
Image read_image(const std::filesystem::path& path);

// The same from memory; `name` stands for the path in errors.
Image decode_image(std::span<const std::uint8_t> bytes, std::string_view name);

std::vector<std::uint8_t> encode_png(const Image& image);

// Atomic (see write_file).
void write_png(const std::filesystem::path& path, const Image& image);

// Linear interpolation when enlarging; when reducing, the triangle widens with the scale, so that nothing
// aliases. Sample i of `out` from `in` pixels is centred at (i + 1/2) in/out - 1/2 and weighs its neighbours
// j by max(0, 1 - |j - centre| / max(1, in/out)), normalised over those inside the picture.
Image resize(const Image& image, int width, int height);

// Throws engine::Error unless the box is inside the image and not empty.
Image crop(const Image& image, Box box);

// The largest centred part of the target's aspect ratio, resized. Every face goes through it on its way to
// the network, in training, evaluation and prediction alike.
Image fit(const Image& image, int width, int height);

}  // namespace fermion::fer
