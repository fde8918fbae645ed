// Moves parameters, their moving average and the running statistics by one step (kernels/parameter_step.h).
#pragma once

#include <cstdint>
#include <vector>

#include "engine/safetensors.h"
#include "kernels/parameter_step.h"
#include "layers/parameters.h"

namespace fermion::layers {

struct OptimizerOptions {
  enum class Kind { adamw, sgd } kind = Kind::adamw;
  double weight_decay = 0.05;
  double clip = 5;     // largest norm of all gradients together; 0: off
  double ema = 0.999;  // the average's decay is min(ema, (1 + t) / (10 + t)) after t steps
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;  // AdamW
  double momentum = 0.9;                              // SGD
};

struct StepResult {
  float gradient_norm;  // before clipping
  bool finite;          // false: loss or gradient norm is not finite, and nothing has changed
};

class Optimizer {
 public:
  // `ema` belongs to a second model of the same structure and holds the moving average: evaluate that one. It
  // becomes a copy of `parameters` here. Both outlive the optimiser. Throws when the structures differ.
  Optimizer(Parameters& parameters, Parameters& ema, OptimizerOptions options);

  // One step along the gradients that the backward of `loss` (a scalar) has left. Afterwards gradients and
  // batch statistics are forgotten, after a step that was not finite too: it can be run again. Throws when a
  // parameter got no gradient or a norm saw no batch.
  StepResult step(const Tensor& loss, double learning_rate) {
    set_learning_rate(learning_rate);
    update(loss);
    return finish();
  }
  // The three parts of a step. The first writes what changes from step to step to the device; the second
  // queues kernels and nothing else (engine/replay.h); the third waits for them.
  void set_learning_rate(double learning_rate);
  void update(const Tensor& loss);
  StepResult finish();
  // What a backward has left, without a step.
  void forget_gradients();

  std::int64_t steps() const { return steps_; }  // that were finite
  // The same in device memory, i32 [1]: for the random numbers of the next step.
  Tensor step_tensor() const { return step_; }

  // Everything to go on with: parameters, running statistics, both again with "ema." before the name, the
  // moments `NAME.m` and `NAME.v`, or `NAME.momentum`, and `optimizer.step`. A step after load() gives the
  // bits that it would have given after save().
  void save(engine::SafeTensors& file) const;
  // Throws Error, before anything has changed, when a tensor is missing or of another dtype or shape.
  void load(const engine::SafeTensors& file);

 private:
  struct Moments {
    Tensor first, second;  // second: AdamW only
  };
  std::vector<std::pair<std::string, Tensor>> own_tensors() const;
  void collect();

  Parameters& parameters_;
  Parameters& ema_;
  OptimizerOptions options_;
  std::vector<Moments> moments_;
  std::int32_t steps_ = 0;
  Tensor scalars_, step_, report_;
  std::vector<kernels::StepParameter> table_;
  std::vector<kernels::StepStatistics> statistics_;
};

}  // namespace fermion::layers
