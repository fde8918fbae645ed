#include "fer/training_loop.h"

#include <chrono>

#include "fer/files.h"

namespace fermion::fer {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

layers::Schedule schedule_of(const TrainConfig& c, std::int64_t steps) {
  if (c.warmup >= steps)
    throw UsageError("a warm-up of {} steps does not fit into a run of {}", c.warmup, steps);
  return {c.lr, steps, c.warmup >= 0 ? c.warmup : layers::default_warmup(steps)};
}

}  // namespace

BatchOptions batch_options(const TrainConfig& c) {
  BatchOptions options;
  options.batch = c.batch;
  options.seed = static_cast<std::uint64_t>(c.seed);
  options.augment = {c.augment, c.flip, c.shift, c.scale, c.rotation, c.brightness, c.erase};
  options.threads = c.loader_threads;
  return options;
}

double seconds_left(double seconds_per_step, std::int64_t steps, int batch, std::int64_t measured) {
  return seconds_per_step * (static_cast<double>(steps) + static_cast<double>(measured) / (3.0 * batch));
}

TrainingLoop::TrainingLoop(Run& run, std::int64_t stop_after)
    : run_(run),
      info_(run.info),
      config_(run.info.config),
      stop_after_(stop_after),
      batches_(run.data.train, batch_options(config_), info_.step),
      schedule_(schedule_of(config_, batches_.per_epoch() * config_.epochs)) {
  info_.config.warmup = static_cast<int>(schedule_.warmup);
  if (info_.step != info_.epoch * batches_.per_epoch() + info_.running.steps)
    throw engine::Error("the checkpoint in '{}' contradicts itself: step {} in epoch {}", run.folder.string(),
                        info_.step, info_.epoch + 1);
}

bool TrainingLoop::out_of_patience() const {
  return config_.patience > 0 && info_.epoch - info_.best_epoch >= config_.patience;
}

bool TrainingLoop::finished() const {
  return info_.epoch >= config_.epochs || out_of_patience();
}

bool TrainingLoop::run(const Interruption& interruption) {
  const auto stopped = [&] { return interruption.requested() || info_.step == stop_after_; };
  while (!finished()) {
    Progress progress(fmt::format("epoch {}/{}", info_.epoch + 1, config_.epochs), batches_.per_epoch());
    while (info_.running.steps < batches_.per_epoch()) {
      if (stopped()) {
        save_last(run_.folder / "last.safetensors", info_, run_.training->optimizer());
        return false;
      }
      step();
      show(progress);
    }
    finish_epoch(progress);
  }
  if (out_of_patience()) fmt::print(stderr, "no better epoch in {}: stopping early\n", config_.patience);
  return !stopped();
}

void TrainingLoop::step() {
  const Clock::time_point begin = Clock::now();
  TrainingStep& training = *run_.training;
  if (!staged_) training.stage(batches_.next());
  training.start(layers::learning_rate(schedule_, info_.step));
  // The next batch travels while a CUDA device computes.
  staged_ = info_.step + 1 < schedule_.steps;
  if (staged_) training.stage(batches_.next());
  info_.running.add(training.finish());
  ++info_.step;
  info_.peak_bytes = peak_bytes(run_);
  const double seconds = seconds_since(begin);
  info_.seconds += seconds;
  info_.running.seconds += seconds;
  ++steps_here_;
  const auto counted = static_cast<double>(std::max<std::int64_t>(steps_here_ - 1, 1));
  seconds_per_step_ += (seconds - seconds_per_step_) / counted;
}

double TrainingLoop::profile(int steps, bool traced) {
  engine::Device& device = *run_.device;
  device.set_profiled(true);
  constexpr int warm_up = 3;
  for (int i = 0; i < warm_up; ++i) step();
  if (traced) device.trace().enable();
  const engine::ProfiledPart part;
  const Clock::time_point begin = Clock::now();
  for (int i = 0; i < steps; ++i) step();
  return seconds_since(begin) / steps;
}

double TrainingLoop::seconds_left() const {
  return fer::seconds_left(seconds_per_step_, schedule_.steps - info_.step, config_.batch,
                           (config_.epochs - info_.epoch) * run_.data.holdout.size());
}

void TrainingLoop::show(Progress& progress) {
  // Once, after a few steps: what this will cost.
  const std::int64_t steps = schedule_.steps - info_.step + steps_here_;
  if (steps_here_ == std::min<std::int64_t>(3, steps))
    progress.say(fmt::format(
        "{:.2f} M parameters on {}, {}: about {} of training for {} steps of {} faces, {} of tensors "
        "and scratch in a step",
        static_cast<double>(run_.training->parameters().count()) / 1e6, run_.device->name(),
        config_.precision,
        duration_text(seconds_left() + static_cast<double>(steps_here_) * seconds_per_step_), steps,
        config_.batch, bytes_text(static_cast<double>(run_.device->statistics().peak))));
  progress.show(info_.running.steps,
                fmt::format("{:.0f} images/s  loss {:.3f}  accuracy {:.1f} %  {} left",
                            config_.batch / seconds_per_step_, info_.running.mean_loss(),
                            100 * info_.running.accuracy(), duration_text(seconds_left())));
}

void TrainingLoop::finish_epoch(Progress& progress) {
  const Split& holdout = run_.data.holdout;
  const Predictions predictions =
      predict(run_.training->average_model(), *run_.device, info_.preprocessing, holdout, config_.batch);
  info_.peak_bytes = peak_bytes(run_);
  const Metrics metrics = measure(predictions, holdout);
  const EpochSums& sums = info_.running;
  const double images_per_second = static_cast<double>(sums.steps * config_.batch) / sums.seconds;
  ++info_.epoch;
  info_.epochs.push_back({{"epoch", info_.epoch},
                          {"step", info_.step},
                          {"learning_rate", layers::learning_rate(schedule_, info_.step - 1)},
                          {"seconds", info_.seconds},
                          {"images_per_second", images_per_second},
                          {"train", sums.means()},
                          {"holdout",
                           {{"loss", cross_entropy(predictions, labels_of(holdout))},
                            {"accuracy", metrics.accuracy},
                            {"mean_class_accuracy", metrics.mean_class_accuracy}}},
                          {"region_weights", mean_weights(predictions)},
                          {"weights_entropy", weights_entropy(predictions)}});
  const bool best = metrics.accuracy > info_.best_accuracy;
  progress.say(fmt::format("epoch {}/{}: loss {:.3f}, accuracy {:.1f} %; holdout {:.2f} %{}; {:.0f} images/s",
                           info_.epoch, config_.epochs, sums.mean_loss(), 100 * sums.accuracy(),
                           100 * metrics.accuracy, best ? " (best)" : "", images_per_second));
  info_.running = {};
  if (best) {
    info_.best_accuracy = metrics.accuracy;
    info_.best_epoch = info_.epoch;
    save_best(run_.folder / "best.safetensors", info_, run_.training->average());
  }
  // Last comes last: a run that is killed before it repeats the epoch and writes the rest once more.
  std::string lines;
  for (const json& record : info_.epochs) lines += record.dump() + "\n";
  write_file(run_.folder / "metrics.jsonl", lines);
  save_last(run_.folder / "last.safetensors", info_, run_.training->optimizer());
}

}  // namespace fermion::fer
