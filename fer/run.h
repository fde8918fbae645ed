// One training run: its data, its state and its folder.
#pragma once

#include <filesystem>
#include <memory>

#include "fer/checkpoint.h"
#include "fer/dataset.h"
#include "fer/folder_lock.h"
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
  std::unique_ptr<FolderLock> lock;
};

// A run at step 0, whose configuration names the threads, device and precision that are used. Nothing is
// written yet. Throws when `folder` exists or an option that was named has no effect.
Run new_run(const TrainConfig& config, const std::filesystem::path& folder, const std::string& command);

// The run that `folder` holds, at the step of its last checkpoint, with the configuration and the number of
// threads that it began with. `data` says where the data set is now; empty: where it was. Throws when there
// is no checkpoint, when another process goes on with it, or when the faces are others.
Run resumed_run(const std::filesystem::path& folder, const std::string& data);

// Most bytes of tensors and scratch so far, earlier processes included.
std::int64_t peak_bytes(const Run& run);

// Makes the folder of a new run with config.toml and a first checkpoint: a folder that cannot be written or a
// disk that is too small is known before the first step, and leaves nothing. `or_another`: where there is one
// already, the name goes on with -2, -3, ...
void make_folder(Run& run, bool or_another = false);

// What a finished run found: measures the best epoch on every split, looks at the regions, writes
// metrics.json and report.html, and prints the figures to stdout.
void report_run(Run& run);

}  // namespace fermion::fer
