#include "fer/image.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <memory>
#include <string>

#include "engine/error.h"
#include "fer/exif.h"
#include "fer/files.h"

// Of the other formats, stb_image does not see where a file is cut off.
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image_write.h>

namespace fermion::fer {
namespace {

bool starts_with(std::span<const std::uint8_t> bytes, std::string_view magic) {
  return bytes.size() >= magic.size() &&
         std::equal(magic.begin(), magic.end(), bytes.begin(),
                    [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
}

void composite_over_white(const std::uint8_t* rgba, Image& image) {
  const std::size_t pixels = image.rgb.size() / 3;
  for (std::size_t i = 0; i < pixels; ++i) {
    const int alpha = rgba[4 * i + 3];
    for (std::size_t c = 0; c < 3; ++c)
      image.rgb[3 * i + c] =
          static_cast<std::uint8_t>((rgba[4 * i + c] * alpha + 255 * (255 - alpha) + 127) / 255);
  }
}

[[noreturn]] void refuse(std::string_view name, const std::string& why) {
  throw engine::Error("{} {}", name, why);
}

std::int64_t big_endian(const std::uint8_t* bytes) {
  return std::int64_t{bytes[0]} << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

void check_size(std::string_view name, std::int64_t width, std::int64_t height) {
  if (width > max_image_side || height > max_image_side || width * height > max_image_pixels)
    refuse(name, fmt::format("is {} x {} px; pictures up to {} px a side and {} megapixels are read", width,
                             height, max_image_side, max_image_pixels / 1'000'000));
}

// The weights of the input pixels first, first + 1, ... in one output pixel.
struct Taps {
  int first;
  std::vector<float> weights;
};

std::vector<Taps> triangle_taps(int in, int out) {
  const double scale = static_cast<double>(in) / out;
  const double support = std::max(1.0, scale);
  std::vector<Taps> taps(static_cast<std::size_t>(out));
  for (int i = 0; i < out; ++i) {
    const double centre = (i + 0.5) * scale - 0.5;
    Taps& tap = taps[static_cast<std::size_t>(i)];
    tap.first = std::max(0, static_cast<int>(std::ceil(centre - support)));
    const int last = std::min(in - 1, static_cast<int>(std::floor(centre + support)));
    double sum = 0;
    for (int j = tap.first; j <= last; ++j) sum += std::max(0.0, 1 - std::abs(j - centre) / support);
    for (int j = tap.first; j <= last; ++j)
      tap.weights.push_back(static_cast<float>(std::max(0.0, 1 - std::abs(j - centre) / support) / sum));
  }
  return taps;
}

}  // namespace

Image decode_image(std::span<const std::uint8_t> bytes, std::string_view name) {
  const bool jpeg = starts_with(bytes, "\xFF\xD8\xFF"), png = starts_with(bytes, "\x89PNG");
  const int length = static_cast<int>(bytes.size());
  int width = 0, height = 0, channels = 0;
  if (bytes.empty()) refuse(name, "is empty");
  // A PNG's header is read here, since stb_image does not report the size of one that it finds too large.
  if (png && bytes.size() >= 24) check_size(name, big_endian(&bytes[16]), big_endian(&bytes[20]));
  if (!stbi_info_from_memory(bytes.data(), length, &width, &height, &channels))
    refuse(name, jpeg || png ? "is truncated or damaged" : "is neither PNG nor JPEG");
  check_size(name, width, height);
  std::unique_ptr<stbi_uc, decltype(&stbi_image_free)> rgba(
      stbi_load_from_memory(bytes.data(), length, &width, &height, &channels, 4), stbi_image_free);
  if (!rgba) refuse(name, fmt::format("is truncated or damaged ({})", stbi_failure_reason()));
  Image image{width, height, {}};
  image.rgb.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
  composite_over_white(rgba.get(), image);
  return upright(std::move(image), exif_orientation(bytes));
}

Image read_image(const std::filesystem::path& path) {
  return decode_image(read_file(path), path.string());
}

std::vector<std::uint8_t> encode_png(const Image& image) {
  std::vector<std::uint8_t> bytes;
  const auto append = [](void* context, void* data, int size) {
    const auto* begin = static_cast<const std::uint8_t*>(data);
    auto& all = *static_cast<std::vector<std::uint8_t>*>(context);
    all.insert(all.end(), begin, begin + size);
  };
  if (image.rgb.empty() || !stbi_write_png_to_func(append, &bytes, image.width, image.height, 3,
                                                   image.rgb.data(), 3 * image.width))
    throw engine::Error("a picture of {} x {} px cannot be written as PNG", image.width, image.height);
  return bytes;
}

void write_png(const std::filesystem::path& path, const Image& image) {
  const std::vector<std::uint8_t> png = encode_png(image);
  write_file(path, {reinterpret_cast<const char*>(png.data()), png.size()});
}

Image resize(const Image& image, int width, int height) {
  if (image.rgb.empty() || width < 1 || height < 1)
    throw engine::Error("resize: {} x {} px to {} x {} px", image.width, image.height, width, height);
  if (width == image.width && height == image.height) return image;
  const std::vector<Taps> columns = triangle_taps(image.width, width),
                          rows = triangle_taps(image.height, height);
  const std::size_t stride = static_cast<std::size_t>(width) * 3;

  std::vector<float> narrowed(static_cast<std::size_t>(image.height) * stride);
  float* out = narrowed.data();
  for (int y = 0; y < image.height; ++y) {
    const std::uint8_t* row =
        &image.rgb[static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) * 3];
    for (const Taps& tap : columns) {
      const std::uint8_t* pixel = row + 3 * tap.first;
      float sum[3] = {};
      for (float weight : tap.weights)
        for (float& channel : sum) channel += weight * static_cast<float>(*pixel++);
      out = std::copy(sum, sum + 3, out);
    }
  }
  Image result{width, height, {}};
  result.rgb.reserve(static_cast<std::size_t>(height) * stride);
  std::vector<float> sums(stride);
  for (const Taps& tap : rows) {
    std::fill(sums.begin(), sums.end(), 0.5f);
    const float* row = &narrowed[static_cast<std::size_t>(tap.first) * stride];
    for (float weight : tap.weights)
      for (float& sum : sums) sum += weight * *row++;
    for (float sum : sums) result.rgb.push_back(static_cast<std::uint8_t>(std::clamp(sum, 0.0f, 255.0f)));
  }
  return result;
}

Image crop(const Image& image, Box box) {
  if (box.x < 0 || box.y < 0 || box.width < 1 || box.height < 1 || box.width > image.width - box.x ||
      box.height > image.height - box.y)
    throw engine::Error("box {},{},{},{} (x, y, width, height) is not inside the picture of {} x {} px",
                        box.x, box.y, box.width, box.height, image.width, image.height);
  Image result{box.width, box.height, {}};
  result.rgb.reserve(static_cast<std::size_t>(box.width) * static_cast<std::size_t>(box.height) * 3);
  for (int y = box.y; y < box.y + box.height; ++y) {
    const auto row = image.rgb.begin() + 3 * (std::int64_t{y} * image.width + box.x);
    result.rgb.insert(result.rgb.end(), row, row + 3 * box.width);
  }
  return result;
}

Image fit(const Image& image, int width, int height) {
  Box box{0, 0, image.width, image.height};
  if (std::int64_t{image.width} * height > std::int64_t{image.height} * width) {
    box.width = std::max(1, static_cast<int>(std::int64_t{image.height} * width / height));
    box.x = (image.width - box.width) / 2;
  } else {
    box.height = std::max(1, static_cast<int>(std::int64_t{image.width} * height / width));
    box.y = (image.height - box.height) / 2;
  }
  return resize(box.width == image.width && box.height == image.height ? image : crop(image, box), width,
                height);
}

}  // namespace fermion::fer
