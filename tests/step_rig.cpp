#include "tests/step_rig.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <doctest/doctest.h>
#include <limits>
#include <utility>

#include "engine/error.h"
#include "kernels/rng.h"
#include "tests/compare.h"
#include "tests/instruction_sets.h"

namespace fermion::test {

using engine::DType;
using kernels::StepReport;

namespace {

constexpr std::int64_t batch_count = 9;
// The parameter of this size has a gradient that starts in the middle of a vector.
constexpr std::int64_t unaligned_size = 33;

std::vector<double> zeros(std::int64_t size) {
  return std::vector<double>(static_cast<std::size_t>(size), 0.0);
}

// What a kernel reads and writes besides its tables, in the device's memory.
struct StepMemory {
  StepMemory(engine::Device& device, const kernels::StepScalars& scalars_now, float loss_now)
      : scalars(Tensor::empty(device, DType::u8, {sizeof scalars_now})),
        loss(Tensor::from<float>(device, {}, std::vector<float>{loss_now})),
        report(Tensor::empty(device, DType::u8, {sizeof(StepReport)})) {
    const StepReport none{-1, -1};
    scalars.copy_from(&scalars_now, sizeof scalars_now);
    report.copy_from(&none, sizeof none);
  }

  kernels::ParameterStep step(const std::vector<kernels::StepParameter>& parameters,
                              const std::vector<kernels::StepStatistics>& statistics, float max_norm) const {
    return {parameters.data(),
            static_cast<std::int64_t>(parameters.size()),
            statistics.data(),
            static_cast<std::int64_t>(statistics.size()),
            reinterpret_cast<const kernels::StepScalars*>(scalars.data<std::uint8_t>()),
            loss.data<float>(),
            max_norm,
            reinterpret_cast<StepReport*>(report.data<std::uint8_t>())};
  }

  StepReport result() const {
    StepReport result;
    std::memcpy(&result, report.bytes_to_host().data(), sizeof result);
    return result;
  }

  Tensor scalars, loss, report;
};

}  // namespace

StepRig::Numbers StepRig::numbers(const std::vector<double>& values) {
  const std::vector<float> rounded(values.begin(), values.end());
  return {Tensor::from<float>(device_, {static_cast<std::int64_t>(rounded.size())}, rounded),
          {rounded.begin(), rounded.end()}};
}

StepRig::Numbers StepRig::random(std::int64_t size, double scale) {
  const kernels::Random random{1, stream_++, 0};
  std::vector<double> values = zeros(size);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = scale * random.normal(i);
  return numbers(values);
}

StepRig::StepRig(Kernel kernel, Formula formula, RigOptions options)
    : device_(tested_device(options.threads)),
      kernel_(std::move(kernel)),
      formula_(std::move(formula)),
      options_(options) {
  std::vector<std::int64_t> sizes(options.small_tensors, 3), channel_counts(options.small_tensors, 2);
  sizes.insert(sizes.end(), {1, unaligned_size, 0, 16384, 16385, 40003});
  channel_counts.insert(channel_counts.end(), {1, 35});
  for (const std::int64_t size : sizes) {
    Parameter p{random(size, 1), numbers(zeros(size)), numbers(zeros(size)), {}, {}};
    p.ema = numbers(p.value.exact);
    parameters_.push_back(std::move(p));
  }
  for (const std::int64_t channels : channel_counts) {
    Statistics s{random(channels, 1), numbers(std::vector<double>(channels, 1.5)), {}, {}, {}, {}};
    s.ema_mean = numbers(s.mean.exact);
    s.ema_var = numbers(s.var.exact);
    statistics_.push_back(std::move(s));
  }
  draw();
}

template <class Visit>
void StepRig::each(Visit visit) const {
  for (const Parameter& p : parameters_) {
    visit("parameter", p.value);
    visit("first moment", p.first);
    visit("second moment", p.second);
    visit("average", p.ema);
  }
  for (const Statistics& s : statistics_) {
    visit("running mean", s.mean);
    visit("running variance", s.var);
    visit("average of the running mean", s.ema_mean);
    visit("average of the running variance", s.ema_var);
  }
}

void StepRig::draw() {
  for (Parameter& p : parameters_) {
    const std::int64_t size = p.value.tensor.size(), before = size == unaligned_size ? 1 : 0;
    p.gradient = random(before + size, options_.gradient_scale).tensor.slice(before, before + size);
  }
  for (Statistics& s : statistics_) {
    s.batch_mean = random(s.mean.tensor.size(), 1).tensor;
    const std::vector<double> spread = random(s.mean.tensor.size(), 1).exact;
    std::vector<double> inv_std;
    for (const double x : spread) inv_std.push_back(1 / std::sqrt(x * x + 1e-5));
    s.batch_inv_std = numbers(inv_std).tensor;
  }
}

StepReport StepRig::step(double learning_rate, double ema_decay, float loss) {
  std::vector<kernels::StepParameter> table;
  bool decay = false;
  for (const Parameter& p : parameters_)
    table.push_back({p.value.tensor.data<float>(), p.gradient.data<float>(), p.first.tensor.data<float>(),
                     p.second.tensor.data<float>(), p.ema.tensor.data<float>(), p.value.tensor.size(),
                     decay = !decay});
  std::vector<kernels::StepStatistics> statistics;
  for (const Statistics& s : statistics_)
    statistics.push_back({s.mean.tensor.data<float>(), s.var.tensor.data<float>(),
                          s.ema_mean.tensor.data<float>(), s.ema_var.tensor.data<float>(),
                          s.batch_mean.data<float>(), s.batch_inv_std.data<float>(), s.mean.tensor.size(),
                          batch_count});
  const StepMemory memory(device_, {learning_rate, ema_decay, steps_, 0}, loss);
  kernel_(device_, "step", memory.step(table, statistics, options_.max_norm));
  const StepReport report = memory.result();
  if (report.finite) ++steps_;
  return report;
}

void StepRig::exact_statistics(Statistics& s, double ema_decay) {
  const std::vector<float> mean = s.batch_mean.to_host<float>(), inv_std = s.batch_inv_std.to_host<float>();
  for (std::size_t c = 0; c < mean.size(); ++c) {
    const double biased = std::pow(inv_std[c], -2.0) - 1e-5;
    const double var = std::max(biased, 0.0) * batch_count / (batch_count - 1);
    s.mean.exact[c] = 0.9 * s.mean.exact[c] + 0.1 * mean[c];
    s.var.exact[c] = 0.9 * s.var.exact[c] + 0.1 * var;
    s.ema_mean.exact[c] = ema_decay * s.ema_mean.exact[c] + (1 - ema_decay) * s.mean.exact[c];
    s.ema_var.exact[c] = ema_decay * s.ema_var.exact[c] + (1 - ema_decay) * s.var.exact[c];
  }
}

double StepRig::exact_step(double learning_rate, double ema_decay) {
  double sum = 0;
  for (const Parameter& p : parameters_)
    for (const float g : p.gradient.to_host<float>()) sum += static_cast<double>(g) * g;
  const double norm = std::sqrt(sum);
  const double clip = options_.max_norm > 0 ? std::min(1.0, options_.max_norm / (norm + 1e-6)) : 1;
  bool decay = false;
  for (Parameter& p : parameters_) {
    decay = !decay;
    const std::vector<float> gradient = p.gradient.to_host<float>();
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      formula_(p.value.exact[i], clip * gradient[i], p.first.exact[i], p.second.exact[i], decay,
               learning_rate, steps_);
      p.ema.exact[i] = ema_decay * p.ema.exact[i] + (1 - ema_decay) * p.value.exact[i];
    }
  }
  for (Statistics& s : statistics_) exact_statistics(s, ema_decay);
  return norm;
}

void StepRig::check() const {
  const double tolerance = 8 * std::numeric_limits<float>::epsilon() * std::max(steps_, 1);
  each([&](const char* what, const Numbers& n) {
    const std::vector<float> actual = n.tensor.to_host<float>();
    const bool zeros = std::all_of(n.exact.begin(), n.exact.end(), [](double x) { return x == 0; });
    const std::string wrong =
        compare({actual.begin(), actual.end()}, n.exact, {.tolerance = tolerance, .sparse = zeros});
    if (!wrong.empty()) throw engine::Error("{} of {} numbers: {}", what, actual.size(), wrong);
  });
}

float StepRig::exchange_gradient(std::size_t i, float value) {
  const Tensor& gradient = parameters_.back().gradient;
  std::vector<float> values = gradient.to_host<float>();
  std::swap(values[i], value);
  gradient.copy_from(values);
  return value;
}

std::vector<float> StepRig::snapshot() const {
  std::vector<float> all;
  each([&](const char*, const Numbers& n) {
    const std::vector<float> values = n.tensor.to_host<float>();
    all.insert(all.end(), values.begin(), values.end());
  });
  return all;
}

namespace {

void check_refusals(const StepRig::Kernel& kernel, const StepRig::Formula& formula) {
  StepRig rig(kernel, formula, {.max_norm = 5}), other(kernel, formula, {.max_norm = 5});
  rig.step(0.01, 0.9);
  other.step(0.01, 0.9);
  const std::vector<float> before = rig.snapshot();
  const auto refused = [&](float loss) {
    CHECK(rig.step(0.01, 0.9, loss).finite == 0);
    const std::vector<float> after = rig.snapshot();
    CHECK(std::memcmp(before.data(), after.data(), before.size() * sizeof(float)) == 0);
  };
  refused(NAN);
  refused(INFINITY);
  for (const std::size_t i : {0, 16384, 40002})
    for (const float bad : {NAN, -INFINITY}) {
      const float good = rig.exchange_gradient(i, bad);
      refused(1);
      rig.exchange_gradient(i, good);
    }
  CHECK(rig.step(0.01, 0.9).finite == 1);
  other.step(0.01, 0.9);
  CHECK(rig.snapshot() == other.snapshot());
}

void check_threads(const StepRig::Kernel& kernel, const StepRig::Formula& formula) {
  StepRig one(kernel, formula, {.threads = 1, .max_norm = 5}),
      four(kernel, formula, {.threads = 4, .max_norm = 5});
  for (int t = 0; t < 3; ++t) CHECK(one.step(0.01, 0.9).gradient_norm == four.step(0.01, 0.9).gradient_norm);
  CHECK(one.snapshot() == four.snapshot());
}

}  // namespace

void check_optimizer(const std::string& op, const StepRig::Kernel& kernel, const StepRig::Formula& formula) {
  const auto follow = [&](RigOptions options) {
    StepRig rig(kernel, formula, options);
    for (int t = 0; t < 6; ++t) {
      const double learning_rate = 0.01 * (t + 1), ema_decay = (1.0 + t) / (10 + t);
      const StepReport report = rig.step(learning_rate, ema_decay);
      CHECK(report.finite == 1);
      CHECK(report.gradient_norm == doctest::Approx(rig.exact_step(learning_rate, ema_decay)).epsilon(1e-6));
      rig.check();
      rig.draw();
    }
  };
  const auto follow_everywhere = [&] {
    on_every_instruction_set([&](const char* name) {
      CAPTURE(name);
      follow({.max_norm = 5});
    });
  };
  // The norm of 72,806 normal numbers is near 270.
  run_named(op, {{"without clipping", [&] { follow({}); }},
                 {"every instruction set", follow_everywhere},
                 {"clips", [&] { follow({.max_norm = 5}); }},
                 {"a norm below the maximum", [&] { follow({.max_norm = 300}); }},
                 {"squares of gradients past the range of f32",
                  [&] { follow({.max_norm = 5, .gradient_scale = 1e30}); }},
                 {"more tensors than one launch of a GPU takes",
                  [&] { follow({.max_norm = 5, .small_tensors = 500}); }},
                 {"a step that is not finite", [&] { check_refusals(kernel, formula); }},
                 {"the same bits with any number of threads", [&] { check_threads(kernel, formula); }}});
}

OpCase step_benchmark(const std::string& op, const std::string& name, std::int64_t size,
                      double flops_per_parameter, double bytes_per_parameter, const StepRig::Kernel& kernel) {
  OpCase test;
  test.name = name;
  test.flops = flops_per_parameter * static_cast<double>(size);
  test.traffic.other_bytes = bytes_per_parameter * static_cast<double>(size);
  for (const char* input : {"value", "gradient", "first", "second", "ema"})
    test.inputs.push_back(parameter(input, {size}, Input::Fill::positive).without_gradient());
  test.op = [=](Tape& tape, const std::vector<Feature>& in) {
    const kernels::StepParameter parameter{in[0].y.data<float>(),
                                           in[1].y.data<float>(),
                                           in[2].y.data<float>(),
                                           in[3].y.data<float>(),
                                           in[4].y.data<float>(),
                                           size,
                                           true};
    const StepMemory memory(tape.device(), {1e-3, 0.999, 100, 0}, 1);
    kernel(tape.device(), tape.label(op.c_str()), memory.step({parameter}, {}, 5));
    return std::vector<Tensor>{in[0].y};
  };
  return test;
}

}  // namespace fermion::test
