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
  std::string command;                // what was typed, quoted for a shell; for the report
  std::int64_t stop_after = -1;       // tests: stop as Ctrl-C does, after so many steps in all
};

// Writes config.toml, metrics.jsonl, best.safetensors and last.safetensors as it goes, metrics.json and
// report.html at the end. Returns the exit status: 0, or 130 after Ctrl-C, when everything to go on with is
// saved.
int train_command(const TrainOptions& options);

}  // namespace fermion::fer
