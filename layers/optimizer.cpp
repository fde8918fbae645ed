#include "layers/optimizer.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "engine/error.h"
#include "kernels/adamw.h"
#include "kernels/sgd.h"
#include "layers/state.h"

namespace fermion::layers {
namespace {

using engine::DType;
using engine::Error;
using kernels::StepReport;
using kernels::StepScalars;
using Kind = OptimizerOptions::Kind;

// A struct of device memory lives in an i32 tensor.
template <class T>
constexpr std::int64_t words = sizeof(T) / sizeof(std::int32_t);

}  // namespace

Optimizer::Optimizer(Parameters& parameters, Parameters& ema, OptimizerOptions options)
    : parameters_(parameters), ema_(ema), options_(options) {
  copy(parameters_, ema_);
  engine::Device& device = parameters_.device();
  for (const Parameter& parameter : parameters_.parameters()) {
    const auto zeros = [&] { return Tensor::zeros(device, DType::f32, parameter.value.shape()); };
    moments_.push_back({zeros(), options_.kind == Kind::adamw ? zeros() : Tensor()});
    // A gradient keeps its memory from step to step. Taken in the first backward, that would be memory which
    // the activations have already returned and want back in the second step.
    parameter.value.take_gradient<float>();
  }
  forget_gradients();
  scalars_ = Tensor::zeros(device, DType::i32, {words<StepScalars>});
  constexpr std::int64_t at = offsetof(StepScalars, step) / sizeof(std::int32_t);
  step_ = scalars_.slice(at, at + 1);
  report_ = Tensor::zeros(device, DType::i32, {words<StepReport>});
}

void Optimizer::collect() {
  table_.clear();
  statistics_.clear();
  for (std::size_t i = 0; i < moments_.size(); ++i) {
    const Parameter& parameter = parameters_.parameters()[i];
    const Tensor gradient = parameter.value.gradient();
    if (!gradient) throw Error("the optimiser's step: no gradient arrived at '{}'", parameter.name);
    table_.push_back({parameter.value.data<float>(), gradient.data<float>(), moments_[i].first.data<float>(),
                      moments_[i].second ? moments_[i].second.data<float>() : nullptr,
                      ema_.parameters()[i].value.data<float>(), parameter.value.size(), parameter.decay});
  }
  for (std::size_t i = 0; i < parameters_.running().size(); ++i) {
    const RunningStatistics& running = parameters_.running()[i];
    const RunningStatistics& ema = ema_.running()[i];
    if (!running.batch || running.count < 2)
      throw Error("the optimiser's step: norm '{}' saw no batch", running.name);
    const float* batch = running.batch.data<float>();
    const std::int64_t channels = running.mean.size();
    statistics_.push_back({running.mean.data<float>(), running.var.data<float>(), ema.mean.data<float>(),
                           ema.var.data<float>(), batch, batch + channels, channels, running.count});
  }
}

void Optimizer::forget_gradients() {
  for (const Parameter& parameter : parameters_.parameters()) parameter.value.clear_gradient();
  for (RunningStatistics& running : parameters_.running()) running.batch = {};
}

void Optimizer::set_learning_rate(double learning_rate) {
  const StepScalars scalars{learning_rate, std::min(options_.ema, (1.0 + steps_) / (10.0 + steps_)), steps_,
                            0};
  scalars_.copy_from(&scalars, sizeof scalars);
}

void Optimizer::update(const Tensor& loss) {
  collect();
  const bool adamw = options_.kind == Kind::adamw;
  parameters_.device().run(adamw ? "optimizer/adamw" : "optimizer/sgd", DType::f32, [&](auto ctx, auto) {
    const kernels::ParameterStep step{table_.data(),
                                      static_cast<std::int64_t>(table_.size()),
                                      statistics_.data(),
                                      static_cast<std::int64_t>(statistics_.size()),
                                      reinterpret_cast<const StepScalars*>(scalars_.data<std::int32_t>()),
                                      loss.data<float>(),
                                      static_cast<float>(options_.clip),
                                      reinterpret_cast<StepReport*>(report_.data<std::int32_t>())};
    if (adamw)
      kernels::adamw_step(ctx, {options_.beta1, options_.beta2, options_.epsilon, options_.weight_decay},
                          step);
    else
      kernels::sgd_step(ctx, {options_.momentum, options_.weight_decay}, step);
  });
  forget_gradients();
}

StepResult Optimizer::finish() {
  StepReport report;
  const std::vector<std::uint8_t> bytes = report_.bytes_to_host();
  std::memcpy(&report, bytes.data(), sizeof report);
  if (report.finite) {
    ++steps_;
    step_.copy_from(&steps_, sizeof steps_);
    parameters_.changed();
    ema_.changed();
  }
  return {report.gradient_norm, report.finite != 0};
}

std::vector<std::pair<std::string, Tensor>> Optimizer::own_tensors() const {
  std::vector<std::pair<std::string, Tensor>> tensors{{"optimizer.step", step_}};
  for (std::size_t i = 0; i < moments_.size(); ++i) {
    const std::string& name = parameters_.parameters()[i].name;
    tensors.emplace_back(name + (options_.kind == Kind::adamw ? ".m" : ".momentum"), moments_[i].first);
    if (moments_[i].second) tensors.emplace_back(name + ".v", moments_[i].second);
  }
  return tensors;
}

void Optimizer::save(engine::SafeTensors& file) const {
  layers::save(parameters_, "", file);
  layers::save(ema_, "ema.", file);
  for (const auto& [name, tensor] : own_tensors()) file.add(name, tensor);
}

void Optimizer::load(const engine::SafeTensors& file) {
  check(parameters_, "", file);
  check(ema_, "ema.", file);
  for (const auto& [name, tensor] : own_tensors()) file.check(name, tensor);
  std::int32_t step;
  std::memcpy(&step, file.find("optimizer.step")->bytes.data(), sizeof step);
  if (step < 0) throw Error("'optimizer.step' is {}; it counts steps", step);
  layers::load(parameters_, "", file);
  layers::load(ema_, "ema.", file);
  for (const auto& [name, tensor] : own_tensors()) file.copy_to(name, tensor);
  steps_ = step;
}

}  // namespace fermion::layers
