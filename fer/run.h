// One training run: its data, its state and its folder.
#pragma once

#include <filesystem>
#include <memory>

#include "fer/checkpoint.h"
#include "fer/dataset.h"
#include "fer/training_step.h"

namespace fermion::fer {

// The data set of a configuration, faces at the network's size.
Dataset open_data(const TrainConfig& config, int threads);

struct Run {
  std::filesystem::path folder;
  Dataset data;
  CheckpointInfo info;
  std::unique_ptr<engine::Device> device;
  std::unique_ptr<TrainingStep> training;
};

// What a finished run found: measures the best epoch on every split, looks at the regions, writes
// metrics.json and report.html, and prints the figures to stdout.
void report_run(Run& run);

}  // namespace fermion::fer
