#include "fer/train.h"

#include <csignal>
#include <ctime>

#include "fer/files.h"
#include "fer/progress.h"
#include "fer/run.h"
#include "fer/synth_dataset.h"
#include "layers/schedule.h"

namespace fermion::fer {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

volatile std::sig_atomic_t interrupted = 0;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::string date_and_time() {
  char text[32];
  const std::time_t now = std::time(nullptr);
  std::strftime(text, sizeof text, "%Y%m%d-%H%M%S", std::localtime(&now));
  return text;
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

Run new_run(const TrainOptions& options) {
  Run run;
  run.folder = options.out.empty()
                   ? std::filesystem::path("runs") / (options.config.model.preset + "-" + date_and_time())
                   : options.out;
  if (std::filesystem::exists(run.folder))
    throw engine::Error("'{}' exists; choose another --out, or --resume to go on with it",
                        run.folder.string());
  run.info.config = options.config;
  run.device = std::make_unique<engine::Device>(engine::DeviceOptions{options.config.threads, false});
  run.info.threads = run.device->threads();
  run.data = open_data(run.info.config, run.info.threads);
  check_trainable(run.data);
  run.info.config.model.classes = run.data.classes();
  run.info.class_names = run.data.class_names;
  run.info.fingerprint = fingerprint(run.data);
  run.info.preprocessing = measure_pixels(run.data.train, run.info.config.model.size);
  run.info.command = options.command;
  std::error_code error;
  std::filesystem::create_directories(run.folder, error);
  if (error) throw engine::Error("cannot make the folder '{}': {}", run.folder.string(), error.message());
  write_file(run.folder / "config.toml", to_toml(run.info.config));
  return run;
}

Run resumed_run(const TrainOptions& options) {
  if (options.out.empty()) throw UsageError("--resume needs --out with the folder of the run");
  Run run;
  run.folder = options.out;
  const std::filesystem::path last = run.folder / "last.safetensors";
  const engine::SafeTensors file = engine::read_safetensors(last);
  run.info = checkpoint_info(file, last);
  // The thread count belongs to the promise of equal bits.
  run.device = std::make_unique<engine::Device>(engine::DeviceOptions{run.info.threads, false});
  run.data = open_data(run.info.config, run.info.threads);
  if (fingerprint(run.data) != run.info.fingerprint)
    throw engine::Error("the faces are not those that '{}' was trained on; it cannot go on with others",
                        run.folder.string());
  run.training = std::make_unique<TrainingStep>(*run.device, run.info.config, run.info.preprocessing,
                                                class_weights(run.info.config, run.data.train));
  run.training->optimizer().load(file);
  return run;
}

// Sums over the steps of an epoch, kept in the checkpoint so that a resumed epoch is recorded whole.
void add(json& sums, const StepStatistics& s) {
  if (sums.is_null())
    sums = {{"steps", 0},     {"loss", 0.0},          {"joint", 0.0}, {"non_local", 0.0}, {"local", 0.0},
            {"entropy", 0.0}, {"gradient_norm", 0.0}, {"right", 0},   {"labelled", 0}};
  const auto plus = [&](const char* key, double value) { sums[key] = sums[key].get<double>() + value; };
  plus("steps", 1);
  plus("loss", s.loss);
  plus("joint", s.joint);
  plus("non_local", s.non_local);
  plus("local", s.local);
  plus("entropy", s.entropy);
  plus("gradient_norm", s.gradient_norm);
  plus("right", static_cast<double>(s.right));
  plus("labelled", static_cast<double>(s.labelled));
}

json means(const json& sums) {
  json result;
  for (const char* key : {"loss", "joint", "non_local", "local", "entropy", "gradient_norm"})
    result[key] = sums[key].get<double>() / sums["steps"].get<double>();
  result["accuracy"] =
      sums["labelled"] > 0 ? sums["right"].get<double>() / sums["labelled"].get<double>() : 0.0;
  return result;
}

class Training {
 public:
  Training(Run& run, const TrainOptions& options)
      : run_(run),
        options_(options),
        config_(run.info.config),
        batches_(run.data.train, batch_options(config_), run.info.step) {
    const std::int64_t steps = batches_.per_epoch() * config_.epochs;
    schedule_ = {config_.lr, steps, config_.warmup >= 0 ? config_.warmup : layers::default_warmup(steps)};
  }

  // False after Ctrl-C.
  bool run() {
    while (run_.info.epoch < config_.epochs) {
      if (!epoch()) return false;
      if (config_.patience > 0 && run_.info.epoch - run_.info.best_epoch >= config_.patience) {
        fmt::print(stderr, "no better epoch in {}: stopping early\n", config_.patience);
        break;
      }
    }
    return true;
  }

 private:
  static BatchOptions batch_options(const TrainConfig& c) {
    BatchOptions options;
    options.batch = c.batch;
    options.seed = static_cast<std::uint64_t>(c.seed);
    options.augment = {c.augment, c.flip, c.shift, c.scale, c.rotation, c.brightness, c.erase};
    options.threads = c.loader_threads;
    return options;
  }

  bool epoch() {
    CheckpointInfo& info = run_.info;
    const std::int64_t per_epoch = batches_.per_epoch(), end = (info.epoch + 1) * per_epoch;
    Progress progress(fmt::format("epoch {}/{}", info.epoch + 1, config_.epochs), per_epoch);
    const Clock::time_point begin = Clock::now();
    const std::int64_t first = info.step;
    while (info.step < end) {
      if (interrupted || info.step == options_.stop_after) {
        info.seconds += seconds_since(begin);
        save_last(run_.folder / "last.safetensors", info, run_.training->optimizer());
        return false;
      }
      add(info.running, run_.training->run(batches_.next(), layers::learning_rate(schedule_, info.step)));
      ++info.step;
      const double seconds = seconds_since(begin),
                   per_step = seconds / static_cast<double>(info.step - first);
      announce(per_step);
      const json now = means(info.running);
      progress.show(
          info.step - end + per_epoch,
          fmt::format("{:.0f} images/s  loss {:.3f}  accuracy {:.1f} %  {} left", config_.batch / per_step,
                      now["loss"].get<double>(), 100 * now["accuracy"].get<double>(),
                      duration_text(per_step * static_cast<double>(schedule_.steps - info.step))));
    }
    info.seconds += seconds_since(begin);
    finish_epoch(static_cast<double>((info.step - first) * config_.batch) / seconds_since(begin));
    return true;
  }

  // Once, after a few steps: what this will cost.
  void announce(double per_step) {
    if (++trial_steps_ != 3) return;
    const engine::MemoryStatistics& memory = run_.device->pool().statistics();
    fmt::print(
        stderr, "{}{:.2f} M parameters on {}: about {} for {} steps of {} faces, {} of tensors\n",
        isatty_clear(), static_cast<double>(run_.training->parameters().count()) / 1e6, run_.device->name(),
        duration_text(per_step * static_cast<double>(schedule_.steps - run_.info.step)),
        schedule_.steps - run_.info.step, config_.batch, bytes_text(static_cast<double>(memory.reserved)));
  }
  static const char* isatty_clear() { return "\r\033[K"; }

  void finish_epoch(double images_per_second) {
    CheckpointInfo& info = run_.info;
    const Predictions predictions = predict(run_.training->average_model(), *run_.device, info.preprocessing,
                                            run_.data.holdout, config_.batch);
    const Metrics metrics = measure(predictions, run_.data.holdout);
    ++info.epoch;
    info.epochs.push_back({{"epoch", info.epoch},
                           {"step", info.step},
                           {"learning_rate", layers::learning_rate(schedule_, info.step - 1)},
                           {"seconds", info.seconds},
                           {"images_per_second", images_per_second},
                           {"train", means(info.running)},
                           {"holdout",
                            {{"loss", cross_entropy(predictions, labels_of(run_.data.holdout))},
                             {"accuracy", metrics.accuracy},
                             {"mean_class_accuracy", metrics.mean_class_accuracy}}},
                           {"region_weights", mean_weights(predictions)},
                           {"weights_entropy", weights_entropy(predictions)}});
    info.running = nullptr;
    fmt::print(stderr, "epoch {}: holdout accuracy {:.2f} % ({} faces)\n", info.epoch, 100 * metrics.accuracy,
               metrics.images);
    if (metrics.accuracy > info.best_accuracy) {
      info.best_accuracy = metrics.accuracy;
      info.best_epoch = info.epoch;
      save_best(run_.folder / "best.safetensors", info, run_.training->average());
    }
    save_last(run_.folder / "last.safetensors", info, run_.training->optimizer());
    std::string lines;
    for (const json& record : info.epochs) lines += record.dump() + "\n";
    write_file(run_.folder / "metrics.jsonl", lines);
  }

  Run& run_;
  const TrainOptions& options_;
  const TrainConfig& config_;
  Batches batches_;
  layers::Schedule schedule_;
  int trial_steps_ = 0;
};

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

int train_command(const TrainOptions& options) {
  interrupted = 0;
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  Run run = options.resume ? resumed_run(options) : new_run(options);
  if (!run.training)
    run.training = std::make_unique<TrainingStep>(*run.device, run.info.config, run.info.preprocessing,
                                                  class_weights(run.info.config, run.data.train));
  if (!options.trace.empty()) run.device->trace().enable();
  fmt::print(stderr, "{}: {} faces to train on, {} to choose the epoch; writing {}\n", run.data.name,
             run.data.train.size(), run.data.holdout.size(), run.folder.string());
  const bool finished = Training(run, options).run();
  if (!options.trace.empty()) {
    fmt::print(stderr, "{}", run.device->trace().table());
    run.device->trace().write_json(options.trace);
  }
  if (!finished) {
    fmt::print(stderr, "stopped after step {}; go on with: fer train --resume --out {}\n", run.info.step,
               run.folder.string());
    return 130;
  }
  report_run(run);
  return 0;
}

}  // namespace fermion::fer
