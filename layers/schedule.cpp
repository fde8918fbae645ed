#include "layers/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fermion::layers {

std::int64_t default_warmup(std::int64_t steps) {
  return std::min<std::int64_t>(300, steps / 10);
}

double learning_rate(const Schedule& schedule, std::int64_t step) {
  const auto t = static_cast<double>(step), warmup = static_cast<double>(schedule.warmup);
  if (step >= schedule.steps) return 0;
  if (step < schedule.warmup) return schedule.peak * (t + 1) / (warmup + 1);
  const double progress = (t - warmup) / (static_cast<double>(schedule.steps) - warmup);
  return schedule.peak * (1 + std::cos(std::numbers::pi * progress)) / 2;
}

}  // namespace fermion::layers
