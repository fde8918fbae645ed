// Checkpoints: safetensors whose metadata key `fermion` holds JSON with everything that is not a tensor.
#pragma once

#include <filesystem>
#include <memory>

#include "engine/safetensors.h"
#include "fer/config.h"
#include "fer/device_choice.h"
#include "fer/epoch_sums.h"

namespace fermion::fer {

struct CheckpointInfo {
  TrainConfig config;
  std::vector<std::string> class_names;
  Preprocessing preprocessing;
  std::int64_t step = 0;  // steps done
  int epoch = 0;          // epochs done
  int best_epoch = 0;     // 1-based; 0: none yet
  double best_accuracy = -1;
  nlohmann::json epochs = nlohmann::json::array();  // one record per epoch done (metrics.jsonl)
  EpochSums running;                                // of the epoch under way
  double seconds = 0;                               // of training so far
  std::int64_t peak_bytes = 0;                      // of tensors and scratch
  std::string fingerprint;                          // of the data
  int threads = 0;
  std::string command;
};

// `best`: the averaged parameters under the names of the model. Atomic (engine/safetensors.h).
void save_best(const std::filesystem::path& path, const CheckpointInfo& info,
               const layers::Parameters& average);
// `last`: everything to go on with.
void save_last(const std::filesystem::path& path, const CheckpointInfo& info,
               const layers::Optimizer& optimizer);

// Throws Error, naming the file, when it is no checkpoint of Fermion's.
CheckpointInfo checkpoint_info(const engine::SafeTensors& file, const std::filesystem::path& path);

// The tensors of a `last` whose info has been read. Throws Error, naming the file and what does not fit,
// before anything has changed.
void load_last(const engine::SafeTensors& file, const std::filesystem::path& path, const CheckpointInfo& info,
               layers::Optimizer& optimizer);

// A model to evaluate with, from `best` (or the average in `last`).
struct LoadedModel {
  CheckpointInfo info;
  std::unique_ptr<layers::Parameters> parameters;
  std::unique_ptr<Model> model;
};
// Throws Error, naming the file and what does not fit.
LoadedModel load_model(engine::Device& device, const std::filesystem::path& path);

// A model and the device it is on, which takes as many threads as the run had, so that faces give, up to
// rounding, what the run's report counted; of a larger machine's run, as many as there are cores. The
// precision is the run's where nothing else is asked for and the device has it. Says on stderr when it is a
// CUDA device.
struct ReadyModel {
  std::unique_ptr<engine::Device> device;
  LoadedModel loaded;
};
ReadyModel ready_model(const std::filesystem::path& path, const Compute& compute = {});

// Tells the user of pictures that a model of drawn faces does not read photographs.
void note_drawn(const CheckpointInfo& info);

}  // namespace fermion::fer
