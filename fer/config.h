// Everything that decides a training run: model, data, optimisation, augmentation.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fer/model.h"

namespace fermion::fer {

struct TrainConfig {
  ModelConfig model;

  std::string data;               // folder; empty: faces that the program draws
  std::string targets = "votes";  // votes or majority, where a set has several taggers
  bool skip_unreadable = false;   // train without the images that cannot be read
  int faces = 8000;               // drawn training faces
  double holdout = 0.1;           // share of train that chooses the epoch, where the set publishes none

  int epochs = 3;
  int batch = 64;
  std::string optimizer = "adamw";  // adamw or sgd (Nesterov)
  double lr = 2e-3;
  double weight_decay = 0.05;
  double momentum = 0.9;  // of sgd
  double clip = 5;        // gradient norm; 0: off
  double ema = 0.999;
  int warmup = -1;   // steps; -1: min(300, a tenth of all)
  int patience = 0;  // epochs without a better holdout accuracy before the run stops; 0: never
  double tau = 0.1;  // of the entropy term
  double label_smoothing = 0;
  bool class_weights = false;  // inverse frequency, mean 1

  bool augment = true;
  double flip = 0.5, shift = 0.08, scale = 0.05, rotation = 10, brightness = 0.2, erase = 0;

  std::int64_t seed = 1;
  int threads = 0;  // 0: every core
  int loader_threads = 1;
  std::string device = "auto";
  std::string precision = "auto";

  std::set<std::string> named;  // no option: the keys that a file or the command line has set
};

template <class Config, class Visit>
void each_option(Config& c, Visit&& visit) requires std::is_same_v<std::remove_const_t<Config>, TrainConfig> {
  each_option(c.model, visit);
  visit("data", c.data);
  visit("targets", c.targets);
  visit("skip_unreadable", c.skip_unreadable);
  visit("faces", c.faces);
  visit("holdout", c.holdout);
  visit("epochs", c.epochs);
  visit("batch", c.batch);
  visit("optimizer", c.optimizer);
  visit("lr", c.lr);
  visit("weight_decay", c.weight_decay);
  visit("momentum", c.momentum);
  visit("clip", c.clip);
  visit("ema", c.ema);
  visit("warmup", c.warmup);
  visit("patience", c.patience);
  visit("tau", c.tau);
  visit("label_smoothing", c.label_smoothing);
  visit("class_weights", c.class_weights);
  visit("augment", c.augment);
  visit("flip", c.flip);
  visit("shift", c.shift);
  visit("scale", c.scale);
  visit("rotation", c.rotation);
  visit("brightness", c.brightness);
  visit("erase", c.erase);
  visit("seed", c.seed);
  visit("threads", c.threads);
  visit("loader_threads", c.loader_threads);
  visit("device", c.device);
  visit("precision", c.precision);
}

// Where options begin for a data set on disk: lnl-48, ten epochs.
TrainConfig data_set_config();
// And for faces that the program draws: lnl-tiny, four epochs in small batches. Drawn faces come in every
// pose, so that only the mirror image and brightness are left to augment.
TrainConfig drawn_faces_config();

inline constexpr int most_threads = 1024, most_loader_threads = 64, most_images = 65'536,
                     most_faces = 10'000'000;

// A wrong option, value or combination: exit status 2.
struct UsageError : engine::Error {
  using engine::Error::Error;
};

// A whole number from 0 to 2^63 - 1. Throws UsageError for any other text.
std::int64_t parse_seed(const std::string& text);
// "lr=1e-3". `preset` also sets what the preset names. Throws UsageError for an unknown key or a value of
// another type.
void set_option(TrainConfig& config, const std::string& assignment);
// A TOML file of flat keys. Throws UsageError with file and line.
void read_toml(TrainConfig& config, const std::string& path);
// The options that have an effect.
std::string to_toml(const TrainConfig& config);
// Throws UsageError with what does not fit together.
void check(const TrainConfig& config);

// Whether an option changes anything in training on drawn faces (`drawn`) or on a data set.
bool has_effect(std::string_view key, bool drawn);
// Throws UsageError for a named option that has none.
void check_effects(const TrainConfig& config);

template <class Visit>
void each_effective_option(const TrainConfig& config, Visit&& visit) {
  each_option(config, [&](const char* key, const auto& value) {
    if (has_effect(key, config.data.empty())) visit(key, value);
  });
}

template <class Config>
nlohmann::json to_json(const Config& config) {
  nlohmann::json json;
  each_option(config, [&](const char* key, const auto& value) { json[key] = value; });
  return json;
}
// Throws engine::Error when a key is missing or of another type.
template <class Config>
Config from_json(const nlohmann::json& json) {
  Config config;
  each_option(config, [&](const char* key, auto& value) {
    try {
      json.at(key).get_to(value);
    } catch (const nlohmann::json::exception&) {
      throw engine::Error("option '{}' is missing or of another type", key);
    }
  });
  return config;
}

}  // namespace fermion::fer
