// Tests of optimiser steps (kernels/parameter_step.h): tensors of awkward sizes with random gradients go
// through the kernel in f32 and through the formulas in float64, side by side.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/device.h"
#include "kernels/parameter_step.h"
#include "tests/harness.h"

namespace fermion::test {

// On the CPU, or where DEVICE=cuda on a CUDA device.
struct RigOptions {
  int threads = 2;
  float max_norm = 0;
  double gradient_scale = 1;
  std::size_t small_tensors = 0;  // so many parameters and norms more
};

class StepRig {
 public:
  // Runs the kernel on a device; `label` as Device::run's.
  using Kernel =
      std::function<void(engine::Device&, const std::string& label, const kernels::ParameterStep&)>;
  // value, g, first, second in float64; `decay` as StepParameter's.
  using Formula = std::function<void(double& value, double g, double& first, double& second, bool decay,
                                     double learning_rate, double t)>;

  StepRig(Kernel kernel, Formula formula, RigOptions options);

  // New gradients and batch statistics, a constant count.
  void draw();
  // One step of the kernel.
  kernels::StepReport step(double learning_rate, double ema_decay, float loss = 1);
  // The same step in float64; returns the gradient norm. Follows step().
  double exact_step(double learning_rate, double ema_decay);
  // Throws where the two differ by more than the rounding of some operations a step can explain.
  void check() const;
  // Everything a step may change.
  std::vector<float> snapshot() const;
  // Replaces element `i` of the gradient of the last and largest parameter; returns what it was.
  float exchange_gradient(std::size_t i, float value);

 private:
  // One parameter's numbers, or one statistic's, in both precisions.
  struct Numbers {
    Tensor tensor;
    std::vector<double> exact;
  };
  struct Parameter {
    Numbers value, first, second, ema;
    Tensor gradient;
  };
  struct Statistics {
    Numbers mean, var, ema_mean, ema_var;
    Tensor batch_mean, batch_inv_std;
  };

  Numbers numbers(const std::vector<double>& values);
  Numbers random(std::int64_t size, double scale);
  template <class Visit>
  void each(Visit visit) const;
  static void exact_statistics(Statistics& s, double ema_decay);

  engine::Device device_;
  Kernel kernel_;
  Formula formula_;
  RigOptions options_;
  std::uint32_t stream_ = 0;
  std::int32_t steps_ = 0;
  std::vector<Parameter> parameters_;
  std::vector<Statistics> statistics_;
};

// What holds for every optimiser.
void check_optimizer(const std::string& op, const StepRig::Kernel& kernel, const StepRig::Formula& formula);

// A step over `size` parameters in one tensor, as a case for the benchmarks.
OpCase step_benchmark(const std::string& op, const std::string& name, std::int64_t size,
                      double flops_per_parameter, double bytes_per_parameter, const StepRig::Kernel& kernel);

}  // namespace fermion::test
