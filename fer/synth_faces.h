// Faces that the program draws itself, so that it can learn and be measured without any data set. Identity,
// pose, light, background, lens and sensor vary; action units (FACS: Ekman and Friesen) make the expression;
// and the pixels that they change are known. Face i of a seed is the same everywhere, up to one grey level.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace fermion::fer {

// In the order of fer/labels.h.
enum class Expression { neutral, happiness, sadness, surprise, fear, disgust, anger };
inline constexpr int synth_expressions = 7;
std::string_view name(Expression expression);

inline constexpr int smallest_drawn_face = 16, largest_drawn_face = 1024;

struct FaceOptions {
  std::uint64_t seed = 0;
  std::int64_t index = 0;
  int size = 64;                         // width and height in pixels
  bool action_units = true;              // false: the same picture with the face at rest
  std::optional<Expression> expression;  // default: expression_at(seed, index)
};

// Indices 7 b to 7 b + 6 hold each expression once, in an order drawn for each b.
Expression expression_at(std::uint64_t seed, std::int64_t index);

// Draws a face into `rgb`, u8 [size, size, 3], and returns its expression. Throws engine::Error for a size
// out of range or a negative index. Thread-safe.
Expression draw_face(const FaceOptions& options, std::uint8_t* rgb);

// Squared difference, summed over the channels (each in 0..1), between the face with and without its action
// units, all else equal, noise included: [size, size]. A neutral face's is zero.
std::vector<float> truth_map(const FaceOptions& options);

// The sums of a map [size, size] over the cells of a grid: [grid, grid]. Pixel i of a row or column lies in
// cell floor(i grid / size).
std::vector<float> cell_sums(std::span<const float> map, int size, int grid);

// The smallest set of cells that holds 80 % of the map: [grid, grid]. All false where the map is zero.
std::vector<bool> crucial_regions(std::span<const float> map, int size, int grid);

}  // namespace fermion::fer
