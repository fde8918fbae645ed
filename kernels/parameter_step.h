// What every optimiser's step shares: the gradient norm, clipping, the moving average of the parameters, and
// BatchNorm's running statistics. A step has two parts. The first reduces the gradients:
//
//   norm   = sqrt(sum of all g^2)                         f64, in an order that depends on the sizes alone
//   finite = isfinite(loss) and isfinite(norm)
//   clip   = min(1, max_norm / (norm + 1e-6)), 1 where max_norm is 0
//
// The second changes everything that a step changes, and only where `finite` holds: parameters and moments
// (kernels/adamw.h, kernels/sgd.h, with clip g for g), and
//
//   running += 0.1 (batch - running)                      mean and variance
//   ema     += (1 - ema_decay) (value - ema)              parameters and running statistics, once updated
//
// with the batch's unbiased variance count / (count - 1) (1 / inv_std^2 - 1e-5).
//
// Tables are in the host's memory, what they point to, scalars, loss and report in the device's.
#pragma once

#include <cstdint>

#include "kernels/context.h"

namespace fermion::kernels {

// Read from device memory, so that a replayed graph follows the schedule.
struct StepScalars {
  double learning_rate;
  double ema_decay;   // f64: 1 - 0.999f is off by 2e-5
  std::int32_t step;  // steps done before this one
  std::int32_t unused;
};

// Left in device memory.
struct StepReport {
  float gradient_norm;  // before clipping
  std::int32_t finite;  // 0: nothing has changed
};

// One parameter tensor of `count` numbers.
struct StepParameter {
  float* value;
  const float* gradient;
  float* first;   // AdamW: m; SGD: the momentum
  float* second;  // AdamW: v; SGD: null
  float* ema;
  std::int64_t count;
  bool decay;  // whether weight decay applies
};

// One norm's statistics, [channels] each, and those of the last batch over `count` > 1 values a channel.
struct StepStatistics {
  float *mean, *var;
  float *ema_mean, *ema_var;
  const float *batch_mean, *batch_inv_std;
  std::int64_t channels, count;
};

struct ParameterStep {
  const StepParameter* parameters;
  std::int64_t parameter_count;
  const StepStatistics* statistics;
  std::int64_t statistics_count;
  const StepScalars* scalars;
  const float* loss;
  float max_norm;  // 0: no clipping
  StepReport* report;
};

// Shared by every device's kernels.
FERMION_HOST_DEVICE inline double clip_factor(double norm, double max_norm) {
  return max_norm > 0 && norm + 1e-6 > max_norm ? max_norm / (norm + 1e-6) : 1.0;
}

// Moves a running statistic towards the batch's, and the average towards the statistic.
FERMION_HOST_DEVICE inline void move_statistic(float& running, float& ema, double batch, double ema_decay) {
  running = static_cast<float>(running + 0.1 * (batch - running));
  ema = static_cast<float>(ema + (1 - ema_decay) * (static_cast<double>(running) - ema));
}

// Both statistics of one channel.
FERMION_HOST_DEVICE inline void move_channel(const StepStatistics& s, std::int64_t channel,
                                             double ema_decay) {
  const double n = static_cast<double>(s.count), inv_std = s.batch_inv_std[channel];
  // Rounding of inv_std may leave less than nothing of a variance of zero.
  const double var = 1 / (inv_std * inv_std) - 1e-5;
  move_statistic(s.mean[channel], s.ema_mean[channel], s.batch_mean[channel], ema_decay);
  move_statistic(s.var[channel], s.ema_var[channel], (var < 0 ? 0 : var) * (n / (n - 1)), ema_decay);
}

// Elements begin .. begin + count of parameter `index`: what one thread does at a time.
struct StepChunk {
  std::int64_t index, begin, count;
};
struct StepPlan {
  const StepChunk* chunks;  // in the workspace
  std::int64_t chunk_count;
  float clip;
};

// The first part: writes *step.report and cuts the second one into chunks.
StepPlan plan_step(Cpu ctx, const ParameterStep& step);

// Of the second part.
void move_statistics(Cpu ctx, const ParameterStep& step);

}  // namespace fermion::kernels
