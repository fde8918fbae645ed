// fer train: from a configuration to a run folder.
#pragma once

#include <filesystem>
#include <optional>

#include "fer/config.h"

namespace fermion::fer {

struct TrainOptions {
  TrainConfig config;
  std::filesystem::path out;          // empty: runs/PRESET-DATE-TIME
  bool resume = false;                // go on with `out` and its configuration; of `config` only data is read
  std::filesystem::path trace;        // empty: none
  std::filesystem::path config_file;  // that `config` was read from; empty: none
  int profile_steps = 0;              // > 0: no run, only these steps
  std::string command;                // what was typed, quoted for a shell; for the report
  std::int64_t stop_after = -1;       // tests: stop as Ctrl-C does, after so many steps in all
};

// Writes config.toml, metrics.jsonl, best.safetensors and last.safetensors as it goes, metrics.json and
// report.html at the end. With profile_steps it only prints what they took, as a table by op where the trace
// is on, as it is on the CPU. Returns the exit status: 0, or 130 after Ctrl-C, when everything to go on with
// is saved.
int train_command(const TrainOptions& options);

}  // namespace fermion::fer
