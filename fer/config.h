// Everything that decides a training run: model, data, optimisation, augmentation.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fer/model.h"

namespace fermion::fer {

// each_option below says what the members mean.
struct TrainConfig {
  ModelConfig model;

  std::string data;
  std::string targets = "votes";
  bool skip_unreadable = false;
  int faces = 8000;
  double holdout = 0.1;

  int epochs = 3;
  int batch = 64;
  std::string optimizer = "adamw";
  double lr = 2e-3;
  double weight_decay = 0.05;
  double momentum = 0.9;
  double clip = 5;
  double ema = 0.999;
  int warmup = -1;
  int patience = 0;
  double non_local_loss = 0.5, local_loss = 0.5;
  double tau = 0.1;
  double label_smoothing = 0;
  bool class_weights = false;

  bool augment = true;
  double flip = 0.5, shift = 0.08, scale = 0.05, rotation = 10, brightness = 0.2, erase = 0;

  std::int64_t seed = 1;
  int threads = 0;
  int loader_threads = 1;
  std::string device = "auto";
  std::string precision = "auto";

  std::set<std::string> named;  // no option: the keys that a file or the command line has set
};

template <class Config, class Visit>
void each_option(Config& c, Visit&& visit) requires std::is_same_v<std::remove_const_t<Config>, TrainConfig> {
  each_option(c.model, visit);
  visit("data", c.data, "folder of a data set; empty: faces that the program draws");
  visit("targets", c.targets, "votes or majority, where a set has several taggers");
  visit("skip_unreadable", c.skip_unreadable, "train without the images that cannot be read");
  visit("faces", c.faces, "drawn training faces; N/8 more choose the epoch, N/4 test");
  visit("holdout", c.holdout, "share of train that chooses the epoch");
  visit("epochs", c.epochs, "passes over the training faces");
  visit("batch", c.batch, "faces of a step");
  visit("optimizer", c.optimizer, "adamw or sgd (Nesterov)");
  visit("lr", c.lr, "highest learning rate; after the warm-up it falls as a cosine");
  visit("weight_decay", c.weight_decay, "decay of weights, not of gains, shifts and biases");
  visit("momentum", c.momentum, "momentum of sgd");
  visit("clip", c.clip, "largest norm of the gradient; 0: any");
  visit("ema", c.ema, "decay of the averaged weights, which are evaluated");
  visit("warmup", c.warmup, "steps in which the learning rate rises; -1: a tenth of all, at most 300");
  visit("patience", c.patience, "epochs without a better holdout accuracy before the run stops; 0: never");
  visit("non_local_loss", c.non_local_loss, "factor of the non-local part's cross-entropy in the loss");
  visit("local_loss", c.local_loss, "factor of the regions' weighted cross-entropy in the loss");
  visit("tau", c.tau, "factor of the entropy of the region weights in the loss");
  visit("label_smoothing", c.label_smoothing, "share of each target that goes to all classes alike");
  visit("class_weights", c.class_weights, "weigh rare classes more: inverse frequency, mean 1");
  visit("augment", c.augment, "false: faces as they are");
  visit("flip", c.flip, "probability of the mirror image");
  visit("shift", c.shift, "largest shift, as a share of the side");
  visit("scale", c.scale, "largest change of size, as a share");
  visit("rotation", c.rotation, "largest rotation in degrees");
  visit("brightness", c.brightness, "largest change of brightness, as a share");
  visit("erase", c.erase, "probability of a rectangle painted over");
  visit("seed", c.seed, "of weights, order, dropout and augmentation");
  visit("threads", c.threads, "of the CPU; 0: every core");
  visit("loader_threads", c.loader_threads, "that read faces ahead; the result does not depend on them");
  visit("device", c.device, "auto, cpu or cuda");
  visit("precision", c.precision, "auto, fp32 or bf16 (on CUDA)");
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

// Throws UsageError when the value of an option is none of its choices.
void check_word(const char* key, const std::string& value, std::initializer_list<const char*> choices);
// A whole number from 0 to 2^63 - 1. Throws UsageError for any other text.
std::int64_t parse_seed(const std::string& text);
// "lr=1e-3". `preset` also sets what the preset names. Throws UsageError for an unknown key or a value of
// another type.
void set_option(TrainConfig& config, const std::string& assignment);
// A TOML file of flat keys. Throws UsageError with file and line.
void read_toml(TrainConfig& config, const std::string& path);
// The options that mean something for the configuration's data (has_effect).
std::string to_toml(const TrainConfig& config);
// Throws UsageError with what does not fit together.
void check(const TrainConfig& config);

// Whether an option means anything for drawn faces (`drawn`), or for a data set.
bool has_effect(std::string_view key, bool drawn);
// Throws UsageError for a named option that has none.
void check_effects(const TrainConfig& config);

// Every option with its defaults and its meaning, a line each.
std::string options_table();
// The same for a program: {"options": [{key, meaning, drawn_faces, data_set}]}; a default is missing where
// the option means nothing.
nlohmann::json options_json();

template <class Visit>
void each_effective_option(const TrainConfig& config, Visit&& visit) {
  each_option(config, [&](const char* key, const auto& value, const char*) {
    if (has_effect(key, config.data.empty())) visit(key, value);
  });
}

template <class Config>
nlohmann::json to_json(const Config& config) {
  nlohmann::json json;
  each_option(config, [&](const char* key, const auto& value, const char*) { json[key] = value; });
  return json;
}
// Throws engine::Error when a key is missing or of another type.
template <class Config>
Config from_json(const nlohmann::json& json) {
  Config config;
  each_option(config, [&](const char* key, auto& value, const char*) {
    try {
      json.at(key).get_to(value);
    } catch (const nlohmann::json::exception&) {
      throw engine::Error("option '{}' is missing or of another type", key);
    }
  });
  return config;
}

}  // namespace fermion::fer
