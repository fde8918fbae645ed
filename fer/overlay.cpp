#include "fer/overlay.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <string>

#include "engine/error.h"
#include "fer/canvas.h"

namespace fermion::fer {
namespace {

constexpr Colour white{255, 255, 255}, rim{16, 21, 29};
constexpr float line_opacity = 0.35f;

// Rec. 709 luma of the stored values.
float grey(const std::uint8_t* pixel) {
  return 0.2126f * pixel[0] + 0.7152f * pixel[1] + 0.0722f * pixel[2];
}

float blend(float under, std::uint8_t over, float opacity) {
  return under + opacity * (static_cast<float>(over) - under);
}

// The region of each pixel along one side, and whether a line runs through the pixel.
struct Position {
  int region;
  bool line;
};

std::vector<Position> positions(int pixels, int grid) {
  std::vector<Position> result;
  for (int j = 0; j < grid; ++j) {
    const auto edge = [&](std::int64_t k) { return static_cast<int>((2 * k * pixels + grid) / (2 * grid)); };
    for (int i = edge(j); i < edge(j + 1); ++i) result.push_back({j, j > 0 && i == edge(j)});
  }
  return result;
}

// The weights in the middle of their regions, white with a dark rim, as large as fits; none if even the
// smallest does not.
void write_weights(Image& image, std::span<const float> weights, int grid) {
  const int width = image.width / grid, height = image.height / grid;
  const int scale = std::min({width / 24, height / 20, 1 + std::min(width, height) / 60});
  if (scale < 1) return;
  for (int i = 0; i < grid * grid; ++i) {
    const float weight = weights[static_cast<std::size_t>(i)];
    const std::string text = fmt::format("{:.{}f}", weight, weight < 9.95f ? 1 : 0);
    const int x = (2 * (i % grid) + 1) * image.width / (2 * grid);
    const int y = (2 * (i / grid) + 1) * image.height / (2 * grid) - 7 * scale / 2;
    for (int dy : {-1, 0, 1})
      for (int dx : {-1, 0, 1}) write_centred(image, x + dx, y + dy, text, rim, scale);
    write_centred(image, x, y, text, white, scale);
  }
}

}  // namespace

Tint weight_tint(float weight) {
  if (!(weight >= 0)) throw engine::Error("a region's weight is {}; it must be 0 or more", weight);
  const float t = std::clamp(std::log2(weight) / 2, -1.0f, 1.0f);
  const float opacity = 0.75f * std::pow(std::abs(t), 0.7f);
  return t < 0 ? Tint{20, 60, 150, opacity} : Tint{255, 150, 0, opacity};
}

Image overlay(const Image& face, std::span<const float> weights, int grid, int side) {
  const int shorter = std::min(face.width, face.height);
  if (grid < 1 || weights.size() != static_cast<std::size_t>(grid) * static_cast<std::size_t>(grid))
    throw engine::Error("overlay: {} weights for a grid of {} x {} regions", weights.size(), grid, grid);
  if (shorter < grid)
    throw engine::Error("overlay: a face of {} x {} px has no room for {} x {} regions", face.width,
                        face.height, grid, grid);
  const int factor = std::max(1, (side + shorter - 1) / shorter);
  Image result = resize(face, factor * face.width, factor * face.height);

  std::vector<Tint> tints;
  for (float weight : weights) tints.push_back(weight_tint(weight));
  const std::vector<Position> columns = positions(result.width, grid), rows = positions(result.height, grid);
  std::uint8_t* pixel = result.rgb.data();
  for (const Position& row : rows)
    for (const Position& column : columns) {
      const Tint& tint = tints[static_cast<std::size_t>(row.region * grid + column.region)];
      const float luma = grey(pixel);
      for (std::uint8_t colour : {tint.red, tint.green, tint.blue}) {
        float value = blend(luma, colour, tint.opacity);
        if (row.line || column.line) value = blend(value, white[0], line_opacity);
        *pixel++ = static_cast<std::uint8_t>(value + 0.5f);
      }
    }
  write_weights(result, weights, grid);
  return result;
}

}  // namespace fermion::fer
