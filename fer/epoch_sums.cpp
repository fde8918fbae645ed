#include "fer/epoch_sums.h"

namespace fermion::fer {

void EpochSums::add(const StepStatistics& step) {
  ++steps;
  loss += step.loss;
  joint += step.joint;
  non_local += step.non_local;
  local += step.local;
  entropy += step.entropy;
  gradient_norm += step.gradient_norm;
  right += step.right;
  labelled += step.labelled;
}

double EpochSums::accuracy() const {
  return labelled > 0 ? static_cast<double>(right) / static_cast<double>(labelled) : 0;
}

double EpochSums::mean_loss() const {
  return steps > 0 ? loss / static_cast<double>(steps) : 0;
}

nlohmann::json EpochSums::means() const {
  const auto mean = [&](double sum) { return steps > 0 ? sum / static_cast<double>(steps) : 0; };
  return {{"loss", mean(loss)},    {"joint", mean(joint)},     {"non_local", mean(non_local)},
          {"local", mean(local)},  {"entropy", mean(entropy)}, {"gradient_norm", mean(gradient_norm)},
          {"accuracy", accuracy()}};
}

}  // namespace fermion::fer
