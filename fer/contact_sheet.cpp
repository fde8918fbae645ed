#include "fer/contact_sheet.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string>

#include "engine/error.h"
#include "fer/canvas.h"
#include "fer/config.h"
#include "fer/synth_faces.h"
#include "kernels/rng.h"

namespace fermion::fer {
namespace {

constexpr Colour amber{255, 150, 0}, ink{40, 40, 40};
constexpr int columns = synth_expressions, gap = 6, text_height = 14, grid = 4;

std::uint8_t* at(Image& image, int x, int y) {
  return &image.rgb[3 * (static_cast<std::size_t>(y) * image.width + x)];
}

void paste(Image& image, int x, int y, const Image& part) {
  for (int row = 0; row < part.height; ++row)
    std::copy_n(&part.rgb[3 * static_cast<std::size_t>(row) * part.width], 3 * part.width,
                at(image, x, y + row));
}

Image draw(const FaceOptions& face) {
  Image image{face.size, face.size,
              std::vector<std::uint8_t>(3 * static_cast<std::size_t>(face.size) * face.size)};
  draw_face(face, image.rgb.data());
  return image;
}

void frame_crucial_cells(Image& image, const std::vector<float>& map) {
  const std::vector<bool> crucial = crucial_regions(map, image.width, grid);
  const auto inside = [&](int row, int column) {
    return row >= 0 && row < grid && column >= 0 && column < grid && crucial[row * grid + column];
  };
  const auto edge = [&](int cell) { return (cell * image.width + grid - 1) / grid; };
  for (int row = 0; row < grid; ++row) {
    for (int column = 0; column < grid; ++column) {
      if (!inside(row, column)) continue;
      const int x0 = edge(column), x1 = edge(column + 1), y0 = edge(row), y1 = edge(row + 1);
      if (!inside(row - 1, column)) fill_rectangle(image, x0, y0, x1, y0 + 1, amber);
      if (!inside(row + 1, column)) fill_rectangle(image, x0, y1 - 1, x1, y1, amber);
      if (!inside(row, column - 1)) fill_rectangle(image, x0, y0, x0 + 1, y1, amber);
      if (!inside(row, column + 1)) fill_rectangle(image, x1 - 1, y0, x1, y1, amber);
    }
  }
}

Image draw_truth(const FaceOptions& face) {
  Image image = draw(face);
  const std::vector<float> map = truth_map(face);
  const float strongest = *std::max_element(map.begin(), map.end());
  for (std::size_t i = 0; i < map.size(); ++i) {
    std::uint8_t* pixel = &image.rgb[3 * i];
    const float grey = 0.3f * pixel[0] + 0.59f * pixel[1] + 0.11f * pixel[2];
    const float t = strongest > 0 ? std::sqrt(map[i] / strongest) : 0;
    for (int c = 0; c < 3; ++c)
      pixel[c] = static_cast<std::uint8_t>((1 - t) * (0.7f * grey + 60) + t * amber[c] + 0.5f);
  }
  frame_crucial_cells(image, map);
  return image;
}

int row_height_of(const ContactSheet& sheet) {
  return (sheet.truth ? 2 : 1) * (sheet.size + gap) + (sheet.labels ? 0 : text_height);
}

int height_of(const ContactSheet& sheet) {
  return gap + (sheet.labels ? text_height : 0) + sheet.rows * row_height_of(sheet);
}

void check(const ContactSheet& sheet) {
  if (sheet.rows < 1 || sheet.rows > max_image_side)
    throw UsageError("a contact sheet has 1 to {} rows, not {}", max_image_side, sheet.rows);
  if (sheet.size < smallest_drawn_face || sheet.size > largest_drawn_face)
    throw UsageError("faces are drawn {} to {} pixels wide, not {}", smallest_drawn_face, largest_drawn_face,
                     sheet.size);
  if (height_of(sheet) > max_image_side)
    throw UsageError("{} rows of faces of {} px make a sheet of {} px; the highest has {}", sheet.rows,
                     sheet.size, height_of(sheet), max_image_side);
}

}  // namespace

std::vector<std::int64_t> sheet_faces(const ContactSheet& sheet) {
  check(sheet);
  std::vector<std::int64_t> faces(static_cast<std::size_t>(columns) * sheet.rows);
  std::iota(faces.begin(), faces.end(), std::int64_t{0});
  if (sheet.labels) {
    std::sort(faces.begin(), faces.end(), [&](std::int64_t a, std::int64_t b) {
      return std::pair(a / columns, expression_at(sheet.seed, a)) <
             std::pair(b / columns, expression_at(sheet.seed, b));
    });
  } else {
    const kernels::Random random{sheet.seed, kernels::stream_of("contact_sheet"), 0};
    for (std::size_t i = faces.size() - 1; i > 0; --i) std::swap(faces[i], faces[random.bits(i) % (i + 1)]);
  }
  return faces;
}

Image draw_contact_sheet(const ContactSheet& sheet) {
  const std::vector<std::int64_t> faces = sheet_faces(sheet);
  FaceOptions face;
  face.seed = sheet.seed;
  face.size = sheet.size;
  const int head = sheet.labels ? text_height : 0;
  const int column_width = sheet.size + gap, row_height = row_height_of(sheet);
  Image image{gap + columns * column_width, height_of(sheet), {}};
  image.rgb.assign(3 * static_cast<std::size_t>(image.width) * image.height, 255);
  for (std::size_t i = 0; i < faces.size(); ++i) {
    const int column = static_cast<int>(i) % columns, row = static_cast<int>(i) / columns;
    const int x = gap + column * column_width, y = gap + head + row * row_height;
    face.index = faces[i];
    paste(image, x, y, draw(face));
    if (sheet.truth) paste(image, x, y + sheet.size + gap, draw_truth(face));
    const int middle = x + sheet.size / 2;
    if (!sheet.labels)
      write_centred(image, middle, y + row_height - gap - text_height + 3, std::to_string(i + 1), ink);
    if (sheet.labels && row == 0)
      write_centred(image, middle, gap, std::string(name(expression_at(sheet.seed, face.index))), ink);
  }
  return image;
}

}  // namespace fermion::fer
