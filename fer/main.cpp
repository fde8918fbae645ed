#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "engine/short_waits.h"
#include "fer/command_line.h"
#include "fer/info.h"
#include "fer/printable.h"
#include "fer/shell_quoted.h"
#include "fer/step_info.h"

namespace {

using namespace fermion;
using namespace fermion::fer;

TrainConfig with_typed(TrainConfig config, const Typed& typed) {
  if (!typed.config.empty()) read_toml(config, typed.config);
  if (!typed.preset.empty()) set_option(config, "preset=" + typed.preset);
  for (const std::string& assignment : typed.set) set_option(config, assignment);
  if (!typed.data.empty()) config.data = typed.data;
  if (!typed.device.empty()) config.device = typed.device;
  if (!typed.precision.empty()) config.precision = typed.precision;
  if (typed.seed) set_option(config, "seed=" + *typed.seed);
  return config;
}

TrainConfig resolve(const Typed& typed, const TrainConfig& begin = drawn_faces_config()) {
  TrainConfig config = with_typed(begin, typed);
  // Options of any kind may name a data set, which has other defaults.
  if (!config.data.empty()) config = with_typed(data_set_config(), typed);
  check(config);
  return config;
}

// The run has its options; its data set may have moved.
TrainConfig resumed(const Typed& typed) {
  if (!typed.preset.empty() || !typed.config.empty() || !typed.set.empty() || !typed.device.empty() ||
      !typed.precision.empty() || typed.seed)
    throw UsageError(
        "--resume goes on with the options that the run began with; besides it only --out, --data and "
        "--trace may be given");
  TrainConfig config;
  config.data = typed.data;
  return config;
}

// What fer info describes.
TrainConfig described(const CommandLine& line) {
  const std::filesystem::path& path = line.info_checkpoint;
  if (path.empty()) return resolve(line.typed, line.info_step ? step_config() : drawn_faces_config());
  if (!line.typed.preset.empty() || !line.typed.config.empty() || !line.typed.set.empty())
    throw UsageError("a checkpoint has its network; --preset, --config and --set are for others");
  TrainConfig config = checkpoint_info(engine::read_safetensors(path), path).config;
  if (!line.typed.precision.empty()) config.precision = line.typed.precision;
  return config;
}

bool is_utf8(const char* text) {
  try {
    nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

// What was typed, for the run's files, which are UTF-8.
std::string command_of(int argc, char** argv) {
  std::string command;
  for (int i = 0; i < argc; ++i) {
    command += (i > 0 ? " " : "") + shell_quoted(argv[i]);
    if (!is_utf8(argv[i]))
      throw UsageError(
          "argument {} is not UTF-8, and the files of a run name what was typed; rename the file or folder",
          i);
  }
  return command;
}

int run(int argc, char** argv) {
  CommandLine line;
  if (argc < 2) {
    fmt::print(stderr, "{}", line.app.help());
    return 2;
  }
  try {
    line.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return line.app.exit(help);
  } catch (const CLI::ParseError& error) {
    throw UsageError("{}; fer {} --help explains", error.what(), argv[1]);
  }
  const auto is = [&](const char* command) { return line.app.got_subcommand(command); };
  if (is("train")) {
    line.train.command = command_of(argc, argv);
    line.train.config_file = line.typed.config;
    line.train.config = line.train.resume ? resumed(line.typed) : resolve(line.typed);
    return train_command(line.train);
  }
  if (is("eval")) return eval_command(line.eval);
  if (is("predict")) {
    if (!line.box.empty()) line.predict.box = parse_box(line.box);
    return predict_command(line.predict);
  }
  if (is("info") && line.info_options) {
    fmt::print("{}", line.info_json ? options_json().dump(2) + "\n" : options_table());
    return 0;
  }
  if (is("info") && line.info_tiles) return step_tiles_command(described(line));
  if (is("info") && line.info_step) return step_info_command(described(line), line.info_json);
  if (is("info")) return info_command(described(line).model, line.info_json);
  if (is("data")) return data_command(line.data);
  if (is("devices")) return devices_command(line.devices_json);
  if (line.faces_seed) line.faces.sheet.seed = static_cast<std::uint64_t>(parse_seed(*line.faces_seed));
  return faces_command(line.faces);
}

// What printed to a full disk or a closed stdout has failed.
int with_stdout_written(int status) {
  if (std::fflush(stdout) == 0 && !std::ferror(stdout)) return status;
  throw engine::Error("stdout cannot be written: {}", std::strerror(errno));
}

}  // namespace

int main(int argc, char** argv) {
  engine::restart_with_short_waits(argv);
  // A file that grows beyond `ulimit -f` is then an error of write() like a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    return with_stdout_written(run(argc, argv));
  } catch (const UsageError& error) {
    fmt::print(stderr, "fer: {}\n", printable(error.what()));
    return 2;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "fer: out of memory; fewer or smaller faces, a smaller batch or network need less\n");
    return 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "fer: {}\n", printable(error.what()));
    return 1;
  }
}
