// Training runs of a network small enough for a step to take milliseconds.
#pragma once

#include <map>

#include "engine/safetensors.h"
#include "fer/checkpoint.h"
#include "fer/files.h"
#include "fer/train.h"
#include "tests/fer/temporary_folder.h"

namespace fermion::fer {

namespace fs = std::filesystem;
using Assignments = std::vector<std::string>;

inline constexpr std::int64_t steps_per_epoch = 6, all_steps = 12;

// Two epochs of six steps; `changes` are options like "lr=1".
inline TrainConfig small_config(const Assignments& changes = {}) {
  TrainConfig config;
  for (const char* assignment :
       {"size=16", "width=4", "depth=1", "grid=2", "faces=96", "batch=16", "epochs=2", "threads=1"})
    set_option(config, assignment);
  for (const std::string& assignment : changes) set_option(config, assignment);
  check(config);
  return config;
}

// Returns the exit status. Stopping at all_steps leaves out only the report.
inline int train(const fs::path& out, const TrainConfig& config, std::int64_t stop_after = all_steps) {
  TrainOptions options;
  options.config = config;
  options.out = out;
  options.stop_after = stop_after;
  return train_command(options);
}

inline int resume(const fs::path& out, std::int64_t stop_after = all_steps) {
  TrainOptions options;
  options.out = out;
  options.resume = true;
  options.stop_after = stop_after;
  return train_command(options);
}

inline CheckpointInfo info_of(const fs::path& checkpoint) {
  return checkpoint_info(engine::read_safetensors(checkpoint), checkpoint);
}

inline std::string text_of(const fs::path& path) {
  const std::vector<std::uint8_t> bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

// The lines of metrics.jsonl without what clocks say.
inline std::vector<nlohmann::json> records(const fs::path& run) {
  std::vector<nlohmann::json> lines;
  const std::string text = text_of(run / "metrics.jsonl");
  for (std::size_t begin = 0; begin < text.size(); begin = text.find('\n', begin) + 1) {
    lines.push_back(nlohmann::json::parse(text.substr(begin, text.find('\n', begin) - begin)));
    lines.back().erase("seconds");
    lines.back().erase("images_per_second");
  }
  return lines;
}

// "" or the name of the first tensor whose bytes differ.
inline std::string first_difference(const fs::path& a, const fs::path& b) {
  const engine::SafeTensors first = engine::read_safetensors(a), second = engine::read_safetensors(b);
  if (first.tensors.size() != second.tensors.size()) return "number of tensors";
  for (std::size_t i = 0; i < first.tensors.size(); ++i)
    if (!(first.tensors[i] == second.tensors[i])) return first.tensors[i].name;
  return "";
}

// "" or where two runs differ: in a checkpoint or in a record of an epoch.
inline std::string difference(const fs::path& a, const fs::path& b) {
  for (const char* name : {"last.safetensors", "best.safetensors"})
    if (const std::string tensor = first_difference(a / name, b / name); !tensor.empty())
      return std::string(name) + ": " + tensor;
  return records(a) == records(b) ? "" : "metrics.jsonl";
}

}  // namespace fermion::fer
