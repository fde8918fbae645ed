#include "fer/synth_faces.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <stdexcept>
#include <string>

#include "fer/synth_faces_draw.h"
#include "kernels/rng.h"

namespace fermion::fer {
namespace {

using namespace synth;

std::vector<float> render(const FaceOptions& options, Expression expression) {
  if (options.size < 16 || options.size > 1024)
    throw std::invalid_argument("faces are drawn 16 to 1024 pixels wide, not " +
                                std::to_string(options.size));
  const Face face = draw_parameters(options.seed, options.index);
  const ActionUnits units =
      options.action_units ? draw_action_units(options.seed, options.index, expression) : ActionUnits{};
  const Identity& identity = face.identity;
  const Features features = move_features(identity, units);
  Painter painter(face.pose, 2 * options.size);
  draw_background(painter, face.background);
  draw_hair_behind(painter, identity);
  draw_body(painter, identity);
  draw_head(painter, identity, features);
  draw_folds(painter, identity, features, units);
  draw_beard(painter, identity, features);
  draw_nose(painter, identity, features);
  draw_eyes(painter, identity, features);
  draw_brows(painter, identity, features);
  draw_mouth(painter, identity, features);
  draw_hair(painter, identity);
  draw_glasses(painter, identity);
  draw_occluder(painter, face.occluder);
  return take_picture(painter.canvas, face.light, face.camera, options.seed, options.index);
}

Expression expression_for(const FaceOptions& options) {
  return options.expression.value_or(expression_of(options.seed, options.index));
}

}  // namespace

const char* name(Expression expression) {
  static constexpr std::array names{"neutral", "happiness", "sadness", "surprise",
                                    "fear",    "disgust",   "anger"};
  return names.at(static_cast<std::size_t>(expression));
}

Expression expression_of(std::uint64_t seed, std::int64_t index) {
  if (index < 0) throw std::invalid_argument("faces are numbered from 0, not " + std::to_string(index));
  const std::int64_t block = index / expression_count;
  const kernels::Random random{seed, kernels::stream_of("synth_faces.expression"), 0};
  std::array<int, expression_count> order;
  std::iota(order.begin(), order.end(), 0);
  for (int i = expression_count - 1; i > 0; --i) {
    const std::uint32_t word = random.bits(static_cast<std::uint64_t>(8 * block + i));
    std::swap(order[i], order[word % static_cast<std::uint32_t>(i + 1)]);
  }
  return static_cast<Expression>(order[index % expression_count]);
}

Expression draw_face(const FaceOptions& options, std::uint8_t* rgb) {
  const Expression expression = expression_for(options);
  const std::vector<float> picture = render(options, expression);
  for (std::size_t i = 0; i < picture.size(); ++i)
    rgb[i] = static_cast<std::uint8_t>(255 * picture[i] + 0.5f);
  return expression;
}

std::vector<float> truth_map(const FaceOptions& options) {
  const Expression expression = expression_for(options);
  std::vector<float> map(static_cast<std::size_t>(options.size) * options.size);
  if (expression == Expression::neutral) return map;
  FaceOptions at_rest = options, acting = options;
  at_rest.action_units = false;
  acting.action_units = true;
  const std::vector<float> without = render(at_rest, expression), with = render(acting, expression);
  for (std::size_t i = 0; i < with.size(); ++i) map[i / 3] += (with[i] - without[i]) * (with[i] - without[i]);
  return map;
}

std::vector<float> cell_sums(std::span<const float> map, int size, int grid) {
  if (grid < 1 || grid > size || map.size() != static_cast<std::size_t>(size) * size)
    throw std::invalid_argument("a map of " + std::to_string(map.size()) + " values is no " +
                                std::to_string(size) + " x " + std::to_string(size) + " picture in " +
                                std::to_string(grid) + " x " + std::to_string(grid) + " cells");
  std::vector<float> sums(static_cast<std::size_t>(grid) * grid);
  for (int y = 0; y < size; ++y)
    for (int x = 0; x < size; ++x) sums[y * grid / size * grid + x * grid / size] += map[y * size + x];
  return sums;
}

std::vector<bool> crucial_regions(std::span<const float> map, int size, int grid) {
  const std::vector<float> sums = cell_sums(map, size, grid);
  std::vector<int> order(sums.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return sums[a] > sums[b]; });
  const double total = std::accumulate(sums.begin(), sums.end(), 0.0);
  std::vector<bool> crucial(sums.size());
  double held = 0;
  for (const int cell : order) {
    if (held >= 0.8 * total) break;
    crucial[cell] = true;
    held += sums[cell];
  }
  return crucial;
}

}  // namespace fermion::fer
