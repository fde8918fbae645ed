// A network with its optimiser, and one step of training.
#pragma once

#include <memory>
#include <optional>
#include <queue>

#include "engine/replay.h"
#include "fer/batches.h"
#include "fer/config.h"
#include "fer/evaluation.h"
#include "layers/optimizer.h"

namespace fermion::fer {

struct StepStatistics {
  double loss = 0, joint = 0, non_local = 0, local = 0, entropy = 0;  // terms before their factors
  double gradient_norm = 0;
  std::int64_t right = 0,
               labelled = 0;  // faces of the batch with a label, and those that the joint head got right
};

class TrainingStep {
 public:
  // class_weights: empty, or one a class.
  TrainingStep(engine::Device& device, const TrainConfig& config, const Preprocessing& preprocessing,
               const std::vector<float>& class_weights);
  ~TrainingStep();

  // Forward, backward and update. When loss or gradients are not finite nothing changes; the step is run
  // again with a check of every op, and Error names the step and the op that made the first such value.
  StepStatistics run(const Batch& batch, double learning_rate) {
    stage(batch);
    start(learning_rate);
    return finish();
  }
  // The same in parts. A CUDA device computes between start and finish, and the next batch may be staged: it
  // is on its way meanwhile. Steps take batches in the order in which they were staged, all of one size.
  void stage(const Batch& batch);
  void start(double learning_rate);
  StepStatistics finish();
  bool replayed() const { return replay_ && replay_->replayed(); }  // the last step, as a graph

  layers::Optimizer& optimizer() { return *optimizer_; }
  const layers::Parameters& parameters() const { return parameters_; }
  // The moving average, and the model that evaluates with it.
  layers::Parameters& average() { return average_; }
  Model& average_model() { return average_model_; }

 private:
  struct Result;
  Result forward_backward(bool check_finite);
  [[noreturn]] void explain();

  engine::Device& device_;
  TrainConfig config_;
  layers::Parameters parameters_, average_;
  Model model_, average_model_;
  std::unique_ptr<layers::Optimizer> optimizer_;
  Preprocessing preprocessing_;
  // A batch on the device, and what a step leaves there; a replayed step finds both in the same place.
  std::optional<NetworkInput> input_;
  std::queue<std::vector<int>> staged_labels_;
  std::vector<int> labels_;  // this and the next: of the step under way
  double learning_rate_ = 0;
  std::unique_ptr<Result> result_;
  std::optional<engine::Replay> replay_;
  LossOptions loss_options_;
};

}  // namespace fermion::fer
