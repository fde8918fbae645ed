// Faces that the program draws itself, so that it can learn and be measured without any data set: face i of a
// seed is the same everywhere (+-1 grey level), its expression made by action units (FACS: Ekman and
// Friesen), and the pixels that these units change are known.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace fermion::fer {

// The order of the classes everywhere.
enum class Expression { neutral, happiness, sadness, surprise, fear, disgust, anger };
inline constexpr int expression_count = 7;
const char* name(Expression expression);

struct FaceOptions {
  std::uint64_t seed = 0;
  std::int64_t index = 0;
  int size = 64;                         // width and height in pixels, 16 to 1024
  bool action_units = true;              // false: the same picture with the face at rest
  std::optional<Expression> expression;  // default: expression_of(seed, index)
};

// Indices 7 b to 7 b + 6 hold each expression once, in an order drawn anew for each b.
Expression expression_of(std::uint64_t seed, std::int64_t index);

// Draws a face into `rgb`, [size, size, 3], rows from the top, and returns its expression.
Expression draw_face(const FaceOptions& options, std::uint8_t* rgb);

// Squared difference, summed over the channels (each in 0..1), between the face with and without its action
// units, all else equal, noise included: [size, size]. A neutral face's is zero.
std::vector<float> truth_map(const FaceOptions& options);

// The map [size, size] summed over the cells of a `grid` x `grid` split: [grid, grid].
std::vector<float> cell_sums(std::span<const float> map, int size, int grid);

// The smallest set of cells that holds 80 % of the map: [grid, grid]. Empty (all false) where the map is
// zero.
std::vector<bool> crucial_regions(std::span<const float> map, int size, int grid);

}  // namespace fermion::fer
