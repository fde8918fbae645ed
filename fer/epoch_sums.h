// What an epoch of training was like: means over its steps.
#pragma once

#include <nlohmann/json.hpp>

#include "fer/training_step.h"

namespace fermion::fer {

// Sums over the steps of the epoch under way. They are part of a checkpoint, so that an epoch which was
// resumed in its middle is recorded as if it had not been.
struct EpochSums {
  std::int64_t steps = 0;
  double loss = 0, joint = 0, non_local = 0, local = 0, entropy = 0, gradient_norm = 0;
  std::int64_t right = 0, labelled = 0;
  double seconds = 0;

  void add(const StepStatistics& step);
  double accuracy() const;  // 0 when no face had a label
  double mean_loss() const;
  // {loss, joint, non_local, local, entropy, gradient_norm, accuracy}
  nlohmann::json means() const;
};

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(EpochSums, steps, loss, joint, non_local, local, entropy, gradient_norm,
                                   right, labelled, seconds)

}  // namespace fermion::fer
