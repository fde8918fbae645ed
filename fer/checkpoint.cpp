#include "fer/checkpoint.h"

#include <algorithm>
#include <omp.h>

#include "layers/state.h"

namespace fermion::fer {
namespace {

using nlohmann::json;

constexpr int format = 1;

std::string text(const CheckpointInfo& info) {
  const Preprocessing& p = info.preprocessing;
  return json{{"format", format},
              {"config", to_json(info.config)},
              {"classes", info.class_names},
              {"preprocessing", {{"size", p.size}, {"mean", p.mean}, {"std", p.std}}},
              {"step", info.step},
              {"epoch", info.epoch},
              {"best_epoch", info.best_epoch},
              {"best_accuracy", info.best_accuracy},
              {"epochs", info.epochs},
              {"running", info.running},
              {"seconds", info.seconds},
              {"peak_bytes", info.peak_bytes},
              {"fingerprint", info.fingerprint},
              {"threads", info.threads},
              {"command", info.command}}
      .dump();
}

void check_preprocessing(const Preprocessing& p, const ModelConfig& model) {
  if (p.size != model.size)
    throw engine::Error("faces of {} px for a network that reads {} px", p.size, model.size);
  for (const float s : p.std)
    if (!(s > 0)) throw engine::Error("a standard deviation of {}", s);
}

void check_numbers(const CheckpointInfo& info) {
  if (info.step < 0 || info.epoch < 0 || info.best_epoch < 0 || info.best_epoch > info.epoch ||
      !info.epochs.is_array() || static_cast<int>(info.epochs.size()) != info.epoch)
    throw engine::Error("its steps and epochs contradict each other");
  if (info.threads < 1 || info.threads > most_threads)
    throw engine::Error("it was trained by {} threads", info.threads);
}

}  // namespace

void save_best(const std::filesystem::path& path, const CheckpointInfo& info,
               const layers::Parameters& average) {
  engine::SafeTensors file;
  file.metadata["fermion"] = text(info);
  layers::save(average, "", file);
  engine::write_safetensors(path, file);
}

void save_last(const std::filesystem::path& path, const CheckpointInfo& info,
               const layers::Optimizer& optimizer) {
  engine::SafeTensors file;
  file.metadata["fermion"] = text(info);
  optimizer.save(file);
  engine::write_safetensors(path, file);
}

CheckpointInfo checkpoint_info(const engine::SafeTensors& file, const std::filesystem::path& path) {
  const auto found = file.metadata.find("fermion");
  const json all = found == file.metadata.end() ? json::object() : json::parse(found->second, nullptr, false);
  // Other programs may use the key too.
  if (!all.is_object() || !all.contains("format") || !all["format"].is_number_integer())
    throw engine::Error("'{}' is no checkpoint of Fermion's: it says nothing of a network", path.string());
  try {
    if (all["format"] != format)
      throw engine::Error("its format is {}, not {}", all["format"].dump(), format);
    CheckpointInfo info;
    info.config = from_json<TrainConfig>(all.at("config"));
    check(info.config);
    all.at("classes").get_to(info.class_names);
    if (static_cast<int>(info.class_names.size()) != info.config.model.classes)
      throw engine::Error("class names and classes differ");
    all.at("preprocessing").at("size").get_to(info.preprocessing.size);
    all.at("preprocessing").at("mean").get_to(info.preprocessing.mean);
    all.at("preprocessing").at("std").get_to(info.preprocessing.std);
    check_preprocessing(info.preprocessing, info.config.model);
    all.at("step").get_to(info.step);
    all.at("epoch").get_to(info.epoch);
    all.at("best_epoch").get_to(info.best_epoch);
    all.at("best_accuracy").get_to(info.best_accuracy);
    info.epochs = all.at("epochs");
    all.at("running").get_to(info.running);
    all.at("seconds").get_to(info.seconds);
    all.at("peak_bytes").get_to(info.peak_bytes);
    all.at("fingerprint").get_to(info.fingerprint);
    all.at("threads").get_to(info.threads);
    all.at("command").get_to(info.command);
    check_numbers(info);
    return info;
  } catch (const std::exception& error) {
    throw engine::Error("'{}' is no checkpoint that this program can read: {}", path.string(), error.what());
  }
}

void load_last(const engine::SafeTensors& file, const std::filesystem::path& path, const CheckpointInfo& info,
               layers::Optimizer& optimizer) {
  try {
    optimizer.load(file);
  } catch (const engine::Error& error) {
    throw engine::Error("'{}' is nothing to go on with: {}", path.string(), error.what());
  }
  if (optimizer.steps() != info.step)
    throw engine::Error("'{}' is nothing to go on with: it is at step {}, its optimiser at {}", path.string(),
                        info.step, optimizer.steps());
}

namespace {

LoadedModel load_model(engine::Device& device, const engine::SafeTensors& file, CheckpointInfo info,
                       const std::filesystem::path& path) {
  LoadedModel loaded;
  loaded.info = std::move(info);
  loaded.parameters = std::make_unique<layers::Parameters>(device, 0);
  loaded.model = std::make_unique<Model>(*loaded.parameters, loaded.info.config.model);
  const bool last = file.find("optimizer.step") != nullptr;
  try {
    layers::load(*loaded.parameters, last ? "ema." : "", file);
  } catch (const engine::Error& error) {
    throw engine::Error("'{}' does not fit its own network: {}", path.string(), error.what());
  }
  return loaded;
}

}  // namespace

LoadedModel load_model(engine::Device& device, const std::filesystem::path& path) {
  const engine::SafeTensors file = engine::read_safetensors(path);
  return load_model(device, file, checkpoint_info(file, path), path);
}

void note_drawn(const CheckpointInfo& info) {
  if (info.config.data.empty())
    fmt::print(stderr, "fer: note: this network learnt drawn faces; it does not read photographs\n");
}

ReadyModel ready_model(const std::filesystem::path& path, const Compute& compute) {
  const engine::SafeTensors file = engine::read_safetensors(path);
  CheckpointInfo info = checkpoint_info(file, path);
  const int threads = std::clamp(info.threads, 1, omp_get_num_procs());
  const engine::DeviceOptions options = device_options(compute.device, threads);
  const bool cuda = options.kind == engine::DeviceOptions::Kind::cuda;
  const bool as_run = compute.precision == "auto" && cuda;
  const std::string precision = choose_precision(as_run ? info.config.precision : compute.precision, cuda);
  info.preprocessing.dtype = activations_in(precision);
  ReadyModel ready;
  ready.device = std::make_unique<engine::Device>(options);
  if (cuda) fmt::print(stderr, "on {}, {}\n", ready.device->name(), precision);
  ready.loaded = load_model(*ready.device, file, std::move(info), path);
  return ready;
}

}  // namespace fermion::fer
