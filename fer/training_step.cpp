#include "fer/training_step.h"

#include <algorithm>

namespace fermion::fer {
namespace {

layers::OptimizerOptions optimizer_options(const TrainConfig& config) {
  layers::OptimizerOptions options;
  options.kind =
      config.optimizer == "sgd" ? layers::OptimizerOptions::Kind::sgd : layers::OptimizerOptions::Kind::adamw;
  options.weight_decay = config.weight_decay;
  options.clip = config.clip;
  options.ema = config.ema;
  options.momentum = config.momentum;
  return options;
}

double value(const Tensor& scalar) {
  return scalar ? scalar.item<float>() : 0.0;
}

}  // namespace

struct TrainingStep::Result {
  Loss loss;
  Tensor logits;
};

TrainingStep::TrainingStep(engine::Device& device, const TrainConfig& config,
                           const Preprocessing& preprocessing, const std::vector<float>& class_weights)
    : device_(device),
      config_(config),
      parameters_(device, static_cast<std::uint64_t>(config.seed)),
      average_(device, static_cast<std::uint64_t>(config.seed)),
      model_(parameters_, config.model),
      average_model_(average_, config.model),
      optimizer_(std::make_unique<layers::Optimizer>(parameters_, average_, optimizer_options(config))),
      preprocessing_(preprocessing),
      result_(std::make_unique<Result>()) {
  loss_options_.non_local = static_cast<float>(config.non_local_loss);
  loss_options_.local = static_cast<float>(config.local_loss);
  loss_options_.tau = static_cast<float>(config.tau);
  loss_options_.label_smoothing = static_cast<float>(config.label_smoothing);
  if (!class_weights.empty())
    loss_options_.class_weights = Tensor::from<float>(
        device, {static_cast<std::int64_t>(class_weights.size())}, std::span<const float>(class_weights));
}

TrainingStep::~TrainingStep() = default;

void TrainingStep::stage(const Batch& batch) {
  const auto B = static_cast<std::int64_t>(batch.labels.size());
  if (!input_ || input_->batch() != B) {
    input_.emplace(device_, preprocessing_, B, config_.model.classes);
    replay_.emplace(device_);
    staged_labels_ = {};
  }
  input_->stage(batch.faces, batch.augmentation, batch.targets);
  staged_labels_.push(batch.labels);
}

TrainingStep::Result TrainingStep::forward_backward(bool check_finite) {
  optimizer_->forget_gradients();  // a backward that threw may have left some
  engine::Tape tape(device_, engine::Mode::train,
                    {static_cast<std::uint64_t>(config_.seed), optimizer_->step_tensor()});
  if (check_finite) tape.check_finite();
  Result result;
  {
    const engine::ProfileRange range("forward");
    const Model::Output output = model_.forward(tape, input_->standardised(tape));
    result = {loss(tape, output, input_->targets(), loss_options_), output.joint_logits};
  }
  tape.backward(result.loss.total);
  return result;
}

void TrainingStep::explain() {
  std::string cause = "the gradient norm is not finite though every single value is";
  try {
    forward_backward(true);
  } catch (const engine::Error& error) {
    cause = error.what();
  }
  throw engine::Error("step {}, learning rate {:.3g}: {}; a lower lr may help", optimizer_->steps() + 1,
                      learning_rate_, cause);
}

void TrainingStep::start(double learning_rate) {
  const engine::ProfileRange range("step");
  input_->deliver();
  labels_ = std::move(staged_labels_.front());
  staged_labels_.pop();
  learning_rate_ = learning_rate;
  optimizer_->set_learning_rate(learning_rate);
  replay_->run([&] {
    *result_ = {};  // its memory is there for this step's
    *result_ = forward_backward(false);
    const engine::ProfileRange update("optimizer");
    optimizer_->update(result_->loss.total);
  });
}

StepStatistics TrainingStep::finish() {
  const layers::StepResult step = optimizer_->finish();
  if (!step.finite) explain();
  const Result& result = *result_;
  StepStatistics s;
  s.loss = value(result.loss.total);
  s.joint = value(result.loss.joint);
  s.non_local = value(result.loss.non_local);
  s.local = value(result.loss.local);
  s.entropy = value(result.loss.entropy);
  s.gradient_norm = step.gradient_norm;
  const int classes = config_.model.classes;
  const std::vector<float> all_logits = result.logits.floats_to_host();
  const float* logits = all_logits.data();
  for (std::size_t i = 0; i < labels_.size(); ++i, logits += classes) {
    if (labels_[i] < 0) continue;
    ++s.labelled;
    s.right += std::max_element(logits, logits + classes) - logits == labels_[i];
  }
  return s;
}

}  // namespace fermion::fer
