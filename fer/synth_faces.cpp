#include "fer/synth_faces.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "engine/error.h"
#include "fer/labels.h"
#include "fer/synth_faces/draw.h"
#include "kernels/rng.h"

namespace fermion::fer {
namespace {

using namespace synth;

std::vector<float> render(const FaceOptions& options, Expression expression, bool acting) {
  if (options.size < smallest_drawn_face || options.size > largest_drawn_face)
    throw engine::Error("faces are drawn {} to {} pixels wide, not {}", smallest_drawn_face,
                        largest_drawn_face, options.size);
  const Face face = draw_parameters(options.seed, options.index);
  const Identity& identity = face.identity;
  const ActionUnits units =
      acting ? draw_action_units(options.seed, options.index, expression) : ActionUnits{};
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

Expression expression_of(const FaceOptions& options) {
  const Expression drawn = expression_at(options.seed, options.index);
  return options.expression.value_or(drawn);
}

}  // namespace

std::string_view name(Expression expression) {
  return expressions[static_cast<std::size_t>(expression)];
}

Expression expression_at(std::uint64_t seed, std::int64_t index) {
  if (index < 0) throw engine::Error("faces are numbered from 0, not {}", index);
  const kernels::Random random{seed, kernels::stream_of("synth_faces.expression"), 0};
  const auto block = static_cast<std::uint64_t>(index / synth_expressions);
  std::array<int, synth_expressions> order;
  std::iota(order.begin(), order.end(), 0);
  for (std::uint32_t i = synth_expressions - 1; i > 0; --i)
    std::swap(order[i], order[random.bits(8 * block + i) % (i + 1)]);
  return static_cast<Expression>(order[index % synth_expressions]);
}

Expression draw_face(const FaceOptions& options, std::uint8_t* rgb) {
  const Expression expression = expression_of(options);
  for (const float value : render(options, expression, options.action_units))
    *rgb++ = static_cast<std::uint8_t>(255 * value + 0.5f);
  return expression;
}

std::vector<float> truth_map(const FaceOptions& options) {
  const Expression expression = expression_of(options);
  const std::vector<float> resting = render(options, expression, false);
  const std::vector<float> acting = render(options, expression, true);
  std::vector<float> map(acting.size() / 3);
  for (std::size_t i = 0; i < acting.size(); ++i) {
    const float difference = acting[i] - resting[i];
    map[i / 3] += difference * difference;
  }
  return map;
}

std::vector<float> cell_sums(std::span<const float> map, int size, int grid) {
  if (size < 1 || grid < 1 || grid > size || map.size() != static_cast<std::size_t>(size) * size)
    throw engine::Error("a map of {} values is no picture of {} x {} pixels with {} x {} cells", map.size(),
                        size, size, grid, grid);
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
