// fer eval: how good a checkpoint is on one split of a data set.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "fer/device_choice.h"

namespace fermion::fer {

struct EvalOptions {
  std::filesystem::path checkpoint;
  std::string data;   // folder; empty: the faces that the program draws, for a model that was trained on them
  std::string split;  // train, holdout, valid or test; empty: test if it is there, else valid, else holdout
  bool skip_unreadable = false;  // measure without the images that cannot be read
  Compute compute;
  bool json = false;
};

// {dataset, split, classes} and the keys of fer/metrics.h: for the data of the checkpoint's run, on its
// device and in its precision, what its metrics.json holds, figure for figure, with the same holdout. Throws
// UsageError without data or for an unknown split, Error for a checkpoint or data that cannot be read,
// classes that are not the model's, and a split without faces.
nlohmann::json evaluate(const EvalOptions& options);

// The same for a reader: shares in per cent, the 95 % interval, and the confusion matrix.
std::string evaluation_table(const nlohmann::json& evaluation);

// Prints one of them to stdout and returns 0.
int eval_command(const EvalOptions& options);

}  // namespace fermion::fer
