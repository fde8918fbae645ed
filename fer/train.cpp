#include "fer/train.h"

#include <ctime>

#include "engine/atomic_file.h"
#include "fer/files.h"
#include "fer/printable.h"
#include "fer/shell_quoted.h"
#include "fer/training_loop.h"

namespace fermion::fer {
namespace {

// runs/PRESET-DATE-TIME, -2, -3, ... where that is there already
std::filesystem::path default_folder(const TrainConfig& config) {
  char text[32];
  const std::time_t now = std::time(nullptr);
  std::strftime(text, sizeof text, "%Y%m%d-%H%M%S", std::localtime(&now));
  const std::string name = config.model.preset + "-" + text;
  std::filesystem::path folder = std::filesystem::path("runs") / name;
  for (int i = 2; std::filesystem::exists(folder); ++i)
    folder.replace_filename(fmt::format("{}-{}", name, i));
  return folder;
}

// Whether a file would lie in the run's folder, which may not be there yet.
bool is_in_run(const std::filesystem::path& file, const Run& run) {
  const auto absolute = [](const std::filesystem::path& path) {
    return std::filesystem::absolute(path).lexically_normal();
  };
  return absolute(file).parent_path() == absolute(run.folder / "x").parent_path();
}

// Still empty, so that a place which cannot be written is known now and not after the last step.
void begin_trace(const TrainOptions& options, Run& run) {
  run.device->trace().write_json(options.trace);
  run.device->trace().enable();
}

Run open_run(const TrainOptions& options) {
  if (!options.resume)
    return new_run(options.config, options.out.empty() ? default_folder(options.config) : options.out,
                   options.command);
  if (options.out.empty()) throw UsageError("--resume needs --out with the folder of the run");
  return resumed_run(options.out, options.config.data);
}

bool is_within(const std::filesystem::path& file, const std::filesystem::path& folder) {
  std::error_code ignored;
  for (std::filesystem::path path = std::filesystem::canonical(file, ignored); path.has_relative_path();) {
    path = path.parent_path();
    if (std::filesystem::equivalent(path, folder, ignored)) return true;
  }
  return false;
}

// A trace must replace nothing that a run reads.
void check_trace(const TrainOptions& options, const Run& run) {
  const std::optional<FileId> trace = file_id(options.trace);
  if (!trace) return;
  const auto refuse_if = [&](bool same, const std::string& what) {
    if (same) throw UsageError("--trace would overwrite {}; choose another file", what);
  };
  refuse_if(trace == file_id(options.config_file), fmt::format("'{}'", options.config_file.string()));
  for (const char* name : {"config.toml", "metrics.jsonl", "best.safetensors", "last.safetensors"})
    refuse_if(trace == file_id(run.folder / name), fmt::format("'{}'", (run.folder / name).string()));
  const std::string& data = run.info.config.data;
  refuse_if(!data.empty() && is_within(options.trace, data), fmt::format("a file of '{}'", data));
}

std::string resume_command(const Run& run) {
  return "fer train --resume --out " + shell_quoted(run.folder.string());
}

std::string stopped(const Run& run) {
  return fmt::format("stopped after step {}; go on with: {}\n", run.info.step, resume_command(run));
}

// What a run does once it has a checkpoint. A disk that is full then costs no more than what came after it.
template <class Part>
auto resumable(const Run& run, const Part& part) {
  try {
    return part();
  } catch (const engine::WriteError& error) {
    throw engine::Error("{}; once it can, go on with: {}", error.what(), resume_command(run));
  }
}

bool train(Run& run, const TrainOptions& options, Interruption& interruption) {
  TrainingLoop loop(run, options.stop_after);
  interruption.defer();
  const bool traced = !options.trace.empty(),
             later = traced && !options.resume && is_in_run(options.trace, run);
  if (traced && !later) begin_trace(options, run);
  if (!options.resume) make_folder(run, options.out.empty());
  if (traced && later) begin_trace(options, run);
  const std::string what =
      options.resume ? fmt::format("going on after step {} in", run.info.step) : std::string("writing");
  fmt::print(stderr, "{}: {} faces to train on, {} to choose the epoch; {} {}\n", run.data.name,
             run.data.train.size(), run.data.holdout.size(), what, printable(run.folder.string()));
  const bool finished = resumable(run, [&] { return loop.run(interruption); });
  interruption.no_longer_defer(stopped(run));
  return finished && !interruption.requested();
}

int profile(const TrainOptions& options) {
  if (options.resume || !options.out.empty())
    throw UsageError("--profile-steps makes no run; leave out --out and --resume");
  Run run = new_run(options.config, default_folder(options.config), options.command);
  if (!options.trace.empty()) {
    check_trace(options, run);
    run.device->trace().write_json(options.trace);
  }
  // Where nobody else looks at the device, its trace does.
  const bool traced = !options.trace.empty() || !run.device->is_cuda();
  const double seconds = TrainingLoop(run, -1).profile(options.profile_steps, traced);
  fmt::print("{} steps of {} faces on {}, {}: {:.2f} ms each\n", options.profile_steps, run.info.config.batch,
             run.device->name(), run.info.config.precision, 1e3 * seconds);
  if (traced) fmt::print("{}", run.device->trace().table());
  if (!options.trace.empty()) run.device->trace().write_json(options.trace);
  return 0;
}

}  // namespace

int train_command(const TrainOptions& options) {
  if (!options.trace.empty() && is_stdout(options.trace))
    throw UsageError("--trace needs a file; figures go to stdout");
  if (options.profile_steps > 0) return profile(options);
  Interruption interruption;
  Run run = open_run(options);
  if (!options.trace.empty()) check_trace(options, run);
  const bool finished = train(run, options, interruption);
  if (!options.trace.empty()) {
    fmt::print(stderr, "{}", run.device->trace().table());
    run.device->trace().write_json(options.trace);
  }
  if (!finished) {
    fmt::print(stderr, "{}", stopped(run));
    return 130;
  }
  fmt::print(stderr, "measuring the best epoch, {}, and writing the report\n", run.info.best_epoch);
  resumable(run, [&] { report_run(run); });
  return 0;
}

}  // namespace fermion::fer
