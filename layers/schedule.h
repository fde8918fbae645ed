// Learning rates over a run.
#pragma once

#include <cstdint>

namespace fermion::layers {

struct Schedule {
  double peak = 2e-3;
  std::int64_t steps = 0;   // of the whole run
  std::int64_t warmup = 0;  // < steps
};

// min(300, a tenth of the steps).
std::int64_t default_warmup(std::int64_t steps);

// Of step t = 0, 1, ...:
//   t < warmup: peak (t + 1) / (warmup + 1)
//   t < steps:  peak (1 + cos(pi (t - warmup) / (steps - warmup))) / 2
//   else:       0
double learning_rate(const Schedule& schedule, std::int64_t step);

}  // namespace fermion::layers
