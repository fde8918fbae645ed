#include "fer/augment.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/rng.h"

namespace fermion::fer {
namespace {

using kernels::AugmentParameters;

// The numbers of one sample, in the order they are asked for.
class Draws {
 public:
  Draws(std::uint64_t seed, std::uint32_t epoch, std::uint64_t index)
      : random_{seed, kernels::stream_of("augment"), epoch}, next_(index * per_sample) {}

  double between(double low, double high) { return low + (high - low) * random_.uniform(next_++); }
  double around(double centre, double spread) { return between(centre - spread, centre + spread); }
  bool chance(double probability) { return random_.uniform(next_++) < probability; }

 private:
  static constexpr std::uint64_t per_sample = 16;

  kernels::Random random_;
  std::uint64_t next_;
};

void draw_geometry(Draws& draws, const AugmentOptions& options, int width, int height, AugmentParameters& p) {
  const double mirror = draws.chance(options.flip) ? -1 : 1;
  const double shift_x = width * draws.around(0, options.shift);
  const double shift_y = height * draws.around(0, options.shift);
  const double scale = draws.around(1, options.scale);
  const double angle = draws.around(0, options.rotation) * std::numbers::pi / 180;
  // Back from the output: shift, then turn and scale, then mirror.
  const double cosine = std::cos(angle) / scale, sine = std::sin(angle) / scale;
  p.xx = static_cast<float>(mirror * cosine);
  p.xy = static_cast<float>(mirror * sine);
  p.yx = static_cast<float>(-sine);
  p.yy = static_cast<float>(cosine);
  p.dx = static_cast<float>(-mirror * (cosine * shift_x + sine * shift_y));
  p.dy = static_cast<float>(sine * shift_x - cosine * shift_y);
}

void draw_rectangle(Draws& draws, const AugmentOptions& options, int width, int height,
                    AugmentParameters& p) {
  if (!draws.chance(options.erase)) return;
  const double area = draws.between(smallest_erased_area, largest_erased_area);
  const double limit = std::log(largest_erased_ratio), ratio = std::exp(draws.around(0, limit));
  const auto side = [](double share, int whole) {
    return static_cast<float>(std::clamp(std::round(share * whole), 1.0, static_cast<double>(whole)));
  };
  const float h = side(std::sqrt(area * ratio), height), w = side(std::sqrt(area / ratio), width);
  p.top = static_cast<float>(std::floor(draws.between(0, height - h + 1.0)));
  p.left = static_cast<float>(std::floor(draws.between(0, width - w + 1.0)));
  p.bottom = p.top + h;
  p.right = p.left + w;
}

}  // namespace

AugmentParameters draw_augmentation(const AugmentOptions& options, std::uint64_t seed, std::uint32_t epoch,
                                    std::uint64_t index, int width, int height) {
  AugmentParameters parameters;
  if (!options.enabled) return parameters;
  Draws draws(seed, epoch, index);
  draw_geometry(draws, options, width, height, parameters);
  parameters.brightness = static_cast<float>(draws.around(1, options.brightness));
  draw_rectangle(draws, options, width, height, parameters);
  return parameters;
}

}  // namespace fermion::fer
