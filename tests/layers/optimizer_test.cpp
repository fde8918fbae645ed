#include "layers/optimizer.h"

#include <cmath>
#include <doctest/doctest.h>
#include <functional>
#include <memory>

#include "engine/error.h"
#include "kernels/rng.h"
#include "layers/state.h"
#include "tests/fer/temporary_folder.h"

using namespace fermion;
using namespace fermion::layers;
using engine::Device;
using engine::DType;
using engine::Error;
using engine::SafeTensors;
using Kind = OptimizerOptions::Kind;

namespace {

constexpr double eps = 1e-5;

// Two weights, a gain and a norm, and an optimiser over them.
struct Model {
  explicit Model(OptimizerOptions options = {}, std::uint64_t seed = 1)
      : parameters(device, seed), ema(device, seed + 100) {
    for (Parameters* set : {&parameters, &ema}) {
      set->add("a.weight", {3, 1, 1, 5}, Init::he_normal, 5, true);
      set->add("a.norm.gain", {3}, Init::one, 1, false);
      set->add("b.weight", {2, 35}, Init::uniform, 35, true);
      set->add_running("a.norm", {3});
    }
    optimizer = std::make_unique<Optimizer>(parameters, ema, options);
  }

  // What a backward leaves: gradients and batch statistics drawn for step `t`.
  void backward(std::uint32_t t) {
    std::uint32_t stream = 0;
    for (const Parameter& p : parameters.parameters()) {
      const kernels::Random random{5, stream++, t};
      float* gradient = p.value.take_gradient<float>().data;
      for (std::int64_t i = 0; i < p.value.size(); ++i)
        gradient[i] = static_cast<float>(random.normal(static_cast<std::uint64_t>(i)));
    }
    RunningStatistics& running = parameters.running()[0];
    running.batch = Tensor::from<float>(device, {2, 1, 3}, std::vector<float>{1, 2, 3, 0.5f, 1, 2});
    running.count = 5;
  }
  StepResult step(std::uint32_t t, float value = 1) {
    backward(t);
    return optimizer->step(Tensor::from<float>(device, {}, std::vector<float>{value}), 0.01);
  }
  SafeTensors state() const {
    SafeTensors file;
    optimizer->save(file);
    return file;
  }

  Device device{{.threads = 2, .poison = true}};
  Parameters parameters, ema;
  std::unique_ptr<Optimizer> optimizer;
};

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("the moving average starts as a copy and follows with decays 1/10, 2/11, ...") {
  Model model;
  const Tensor value = model.parameters.parameters()[2].value, ema = model.ema.parameters()[2].value;
  CHECK(value.to_host<float>() == ema.to_host<float>());
  double expected = ema.item<float>();
  for (std::uint32_t t = 0; t < 4; ++t) {
    model.step(t);
    const double decay = (1.0 + t) / (10.0 + t);
    expected = decay * expected + (1 - decay) * value.item<float>();
    CHECK(ema.item<float>() == doctest::Approx(expected).epsilon(1e-6));
  }
  Model fixed({.ema = 0.05});
  const float before = fixed.parameters.parameters()[2].value.item<float>();
  fixed.step(0);
  const float after = fixed.parameters.parameters()[2].value.item<float>();
  CHECK(fixed.ema.parameters()[2].value.item<float>() ==
        doctest::Approx(0.05 * before + 0.95 * after).epsilon(1e-6));
}

TEST_CASE("running statistics move a tenth of the way, with the unbiased variance") {
  Model model;
  const RunningStatistics &running = model.parameters.running()[0], &ema = model.ema.running()[0];
  // From zero, so that the 1e-5 under the root shows where a channel's variance is small.
  running.var.fill_zero();
  model.backward(0);
  const std::vector<float> batch{1, 2, 3, 0.5f, 200, 317};
  running.batch.copy_from(batch.data(), batch.size() * sizeof(float));
  model.optimizer->step(Tensor::zeros(model.device, DType::f32, {}), 0.01);
  // 1 / 317^2 is less than 1e-5: no variance.
  const double variances[] = {4 - eps, 2.5e-5 - eps, 0};
  for (std::size_t c = 0; c < 3; ++c) {
    const double mean = 0.1 * batch[c], var = 0.1 * variances[c] * 5 / 4;
    CHECK(running.mean.to_host<float>()[c] == doctest::Approx(mean).epsilon(1e-6));
    CHECK(running.var.to_host<float>()[c] / (var + 1e-30) == doctest::Approx(var > 0).epsilon(1e-6));
    CHECK(ema.mean.to_host<float>()[c] == doctest::Approx(0.9 * mean).epsilon(1e-6));
    CHECK(ema.var.to_host<float>()[c] == doctest::Approx(0.1 + 0.9 * var).epsilon(1e-6));
  }
}

TEST_CASE("a step tells its gradient norm, bumps both versions and forgets what the backward left") {
  Model model;
  model.backward(0);
  double sum = 0;
  for (const Parameter& p : model.parameters.parameters())
    for (const float g : p.value.gradient().to_host<float>()) sum += g * g;
  const std::int64_t version = model.parameters.version(), ema_version = model.ema.version();
  const StepResult result = model.step(0);
  CHECK(result.finite);
  CHECK(result.gradient_norm == doctest::Approx(std::sqrt(sum)));
  CHECK(model.parameters.version() == version + 1);
  CHECK(model.ema.version() == ema_version + 1);
  CHECK(model.optimizer->steps() == 1);
  CHECK(model.optimizer->step_tensor().item<std::int32_t>() == 1);
  CHECK_FALSE(model.parameters.parameters()[0].value.gradient());
  CHECK_FALSE(model.parameters.running()[0].batch);
}

TEST_CASE("only weights decay") {
  Model model({.weight_decay = 10}), other({.weight_decay = 0});
  model.step(0);
  other.step(0);
  const auto same = [&](std::size_t i) {
    return model.parameters.parameters()[i].value.to_host<float>() ==
           other.parameters.parameters()[i].value.to_host<float>();
  };
  CHECK_FALSE(same(0));
  CHECK(same(1));
  CHECK_FALSE(same(2));
}

TEST_CASE("a step that is not finite can be run again") {
  Model model, other;
  model.step(0);
  other.step(0);
  const SafeTensors before = model.state();
  const std::int64_t version = model.parameters.version();
  CHECK_FALSE(model.step(1, NAN).finite);
  CHECK(model.state().tensors == before.tensors);
  CHECK(model.parameters.version() == version);
  CHECK(model.step(1).finite);
  other.step(1);
  CHECK(model.state().tensors == other.state().tensors);
}

TEST_CASE("a gradient or a batch that did not arrive is an error") {
  Model model;
  model.backward(0);
  model.parameters.parameters()[1].value.clear_gradient();
  const Tensor loss = Tensor::zeros(model.device, DType::f32, {});
  const auto step = [&] { model.optimizer->step(loss, 0.01); };
  CHECK(error_of(step) == "the optimiser's step: no gradient arrived at 'a.norm.gain'");
  model.backward(0);
  model.parameters.running()[0].batch = {};
  CHECK(error_of(step) == "the optimiser's step: norm 'a.norm' saw no batch");
}

TEST_CASE("the average's model must be of the same structure") {
  Device device({.threads = 1});
  Parameters a(device, 1), b(device, 1), c(device, 1), d(device, 1);
  a.add("w", {3}, Init::one, 1, true);
  b.add("w", {4}, Init::one, 1, true);
  c.add("v", {3}, Init::one, 1, true);
  CHECK(error_of([&] { Optimizer(a, b, {}); }) == "'w' [3] cannot be copied to 'w' [4]: the models differ");
  CHECK(error_of([&] { Optimizer(a, c, {}); }) == "'w' [3] cannot be copied to 'v' [3]: the models differ");
  CHECK(error_of([&] { Optimizer(a, d, {}); }) ==
        "two models have 1 and 0 tensors; only equal ones are copied");
}

TEST_CASE("saved, loaded and gone on gives the bits of never having stopped") {
  const fer::TemporaryFolder folder;
  for (const Kind kind : {Kind::adamw, Kind::sgd}) {
    Model model({.kind = kind}), resumed({.kind = kind}, 2);
    for (std::uint32_t t = 0; t < 3; ++t) model.step(t);
    engine::write_safetensors(folder / "state", model.state());
    const SafeTensors file = engine::read_safetensors(folder / "state");
    CHECK(file.find(kind == Kind::adamw ? "b.weight.v" : "b.weight.momentum"));
    CHECK(file.find("ema.a.norm.running_var"));
    CHECK_FALSE(resumed.state().tensors == model.state().tensors);
    resumed.optimizer->load(file);
    CHECK(resumed.state().tensors == model.state().tensors);
    CHECK(resumed.optimizer->steps() == 3);
    for (std::uint32_t t = 3; t < 6; ++t) {
      model.step(t);
      resumed.step(t);
    }
    CHECK(resumed.state().tensors == model.state().tensors);
  }
}

TEST_CASE("a file of another optimiser or model is refused and nothing changes") {
  Model adamw, sgd({.kind = Kind::sgd}, 2);
  sgd.step(0);
  const SafeTensors before = adamw.state();
  CHECK(error_of([&] { adamw.optimizer->load(sgd.state()); }) == "there is no tensor 'a.weight.m'");
  SafeTensors negative = before;
  for (engine::NamedTensor& tensor : negative.tensors)
    if (tensor.name == "optimizer.step") tensor.bytes = {255, 255, 255, 255};
  CHECK(error_of([&] { adamw.optimizer->load(negative); }) == "'optimizer.step' is -1; it counts steps");
  CHECK(adamw.state().tensors == before.tensors);
}
