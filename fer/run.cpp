#include "fer/run.h"

#include "fer/device_choice.h"
#include "fer/files.h"
#include "fer/printable.h"
#include "fer/synth_dataset.h"

namespace fermion::fer {
namespace {

std::filesystem::path last_of(const std::filesystem::path& folder) {
  return folder / "last.safetensors";
}

// Inverse frequency, mean 1 over the classes that occur.
std::vector<float> class_weights(const TrainConfig& config, const Split& train) {
  if (!config.class_weights) return {};
  std::vector<double> mass(static_cast<std::size_t>(train.classes), 0.0);
  for (std::size_t i = 0; i < train.targets.size(); ++i) mass[i % mass.size()] += train.targets[i];
  double sum = 0, present = 0;
  for (const double m : mass)
    if (m > 0) sum += 1 / m, ++present;
  std::vector<float> weights;
  for (const double m : mass) weights.push_back(m > 0 ? static_cast<float>(present / (m * sum)) : 0.0f);
  return weights;
}

// The same, which may take a while, for somebody who waits.
Dataset open_data_aloud(const TrainConfig& config, int threads) {
  fmt::print(stderr, "{}\n",
             config.data.empty() ? fmt::format("drawing {} faces", config.faces)
                                 : fmt::format("reading {}", printable(config.data)));
  Dataset data = open_data(config, threads);
  for (const std::string& problem : data.inventory.problems)
    fmt::print(stderr, "fer: note: {}\n", printable(problem));
  return data;
}

void add_training(Run& run) {
  run.training = std::make_unique<TrainingStep>(*run.device, run.info.config, run.info.preprocessing,
                                                class_weights(run.info.config, run.data.train));
}

}  // namespace

Dataset open_data(const TrainConfig& config, int threads) {
  if (config.data.empty()) return draw_dataset(0, config.faces, config.model.size, threads);
  DatasetOptions options;
  options.size = config.model.size;
  options.targets = config.targets == "majority" ? Targets::majority : Targets::votes;
  options.holdout = config.holdout;
  options.threads = threads;
  options.skip_unreadable = config.skip_unreadable;
  return open_dataset(config.data, options);
}

Run new_run(const TrainConfig& config, const std::filesystem::path& folder, const std::string& command) {
  check_effects(config);
  if (std::filesystem::exists(last_of(folder)))
    throw engine::Error("'{}' exists; choose another --out, or --resume to go on with it", folder.string());
  if (std::filesystem::exists(folder))
    throw engine::Error("'{}' exists and is no run to go on with; choose another --out", folder.string());
  Run run;
  run.folder = folder;
  run.info.config = config;
  run.info.command = command;
  const engine::DeviceOptions device = device_options(config.device, config.threads);
  const bool cuda = device.kind == engine::DeviceOptions::Kind::cuda;
  run.info.config.device = cuda ? "cuda" : "cpu";
  run.info.config.precision = choose_precision(config.precision, cuda);
  run.device = std::make_unique<engine::Device>(device);
  run.info.threads = run.info.config.threads = run.device->threads();
  run.data = open_data_aloud(config, run.info.threads);
  check_trainable(run.data);
  run.info.config.model.classes = run.data.classes();
  run.info.class_names = run.data.class_names;
  run.info.fingerprint = fingerprint(run.data);
  run.info.preprocessing = measure_pixels(run.data.train, config.model.size);
  run.info.preprocessing.dtype = activations_in(run.info.config.precision);
  add_training(run);
  return run;
}

Run resumed_run(const std::filesystem::path& folder, const std::string& data) {
  const std::filesystem::path last = last_of(folder);
  if (!std::filesystem::exists(last))
    throw engine::Error("there is no '{}' to go on with; start the run anew", last.string());
  auto lock = std::make_unique<FolderLock>(folder);
  const engine::SafeTensors file = engine::read_safetensors(last);
  Run run;
  run.folder = folder;
  run.lock = std::move(lock);
  run.info = checkpoint_info(file, last);
  if (!data.empty()) run.info.config.data = data;
  const TrainConfig& config = run.info.config;
  const DeviceChoice choice = choose_device(config.device, engine::cuda_devices());
  if (config.device == "cuda" && !choice.is_cuda())
    throw engine::Error("the run in '{}' computes on cuda in {} and can go on only there; {}",
                        folder.string(), config.precision, choice.why_not);
  // The thread count belongs to the promise of equal bits.
  run.device = std::make_unique<engine::Device>(
      engine::DeviceOptions{.threads = run.info.threads, .kind = choice.kind, .ordinal = choice.ordinal});
  run.info.preprocessing.dtype = activations_in(config.precision);
  run.data = open_data_aloud(run.info.config, run.info.threads);
  if (fingerprint(run.data) != run.info.fingerprint)
    throw engine::Error("the faces are not those that '{}' was trained on; it cannot go on with others",
                        folder.string());
  add_training(run);
  load_last(file, last, run.info, run.training->optimizer());
  return run;
}

std::int64_t peak_bytes(const Run& run) {
  return std::max(run.info.peak_bytes, static_cast<std::int64_t>(run.device->statistics().peak));
}

void make_folder(Run& run, bool or_another) {
  std::error_code error;
  if (run.folder.has_parent_path()) std::filesystem::create_directories(run.folder.parent_path(), error);
  const std::filesystem::path asked = run.folder;
  // The folder must not be there: another process may have made it meanwhile.
  bool made = !error && std::filesystem::create_directory(run.folder, error);
  for (int i = 2; or_another && !made && !error; ++i) {
    run.folder = fmt::format("{}-{}", asked.string(), i);
    made = std::filesystem::create_directory(run.folder, error);
  }
  if (error) throw engine::Error("cannot make the folder '{}': {}", run.folder.string(), error.message());
  if (!made) throw engine::Error("'{}' exists; choose another --out", run.folder.string());
  run.lock = std::make_unique<FolderLock>(run.folder);
  const std::filesystem::path config = run.folder / "config.toml", last = last_of(run.folder);
  try {
    write_file(config, to_toml(run.info.config));
    save_last(last, run.info, run.training->optimizer());
  } catch (...) {
    // The same command may then be tried again. The folder goes only when it is empty.
    for (const auto& path : {last, config, run.folder}) std::filesystem::remove(path, error);
    throw;
  }
}

}  // namespace fermion::fer
