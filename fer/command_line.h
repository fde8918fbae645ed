// The words that the program understands: its commands, their options and what each of them means.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>

#include "fer/data_command.h"
#include "fer/devices_command.h"
#include "fer/eval_command.h"
#include "fer/faces_command.h"
#include "fer/predict_command.h"
#include "fer/train.h"

namespace fermion::fer {

// Options that several commands share, as typed.
struct Typed {
  std::string data, preset, config, device, precision;
  std::vector<std::string> set;
  std::optional<std::string> seed;
};

// What `parse` fills.
struct CommandLine {
  CLI::App app;
  Typed typed;
  TrainOptions train;
  EvalOptions eval;
  PredictOptions predict;
  std::string box;  // of predict, as typed
  DataOptions data;
  FacesOptions faces;
  std::filesystem::path info_checkpoint;  // empty: the network of the options
  std::optional<std::string> faces_seed;  // as typed
  bool info_json = false, info_options = false, info_step = false, info_tiles = false, devices_json = false;

  CommandLine();
  CommandLine(const CommandLine&) = delete;  // app points to the others

  // Throws UsageError for a first word that is no command, CLI::ParseError for other words that make no sense
  // and for --help.
  void parse(int argc, const char* const* argv);
};

}  // namespace fermion::fer
