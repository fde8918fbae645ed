#include "kernels/sgd.h"

#include <doctest/doctest.h>

#include "tests/step_rig.h"

using namespace fermion;
using namespace fermion::test;

namespace {

constexpr kernels::Sgd options{.momentum = 0.8, .weight_decay = 0.5};

void step(engine::Device& device, const std::string& label, const kernels::ParameterStep& step) {
  device.run(label, engine::DType::f32, [&](auto ctx, auto) { kernels::sgd_step(ctx, options, step); });
}

void formula(double& value, double g, double& momentum, double&, bool decay, double learning_rate, double) {
  if (decay) g += 0.5 * value;
  momentum = 0.8 * momentum + g;
  value -= learning_rate * (g + 0.8 * momentum);
}

OpCases cases(Batches) {
  return {.tests = {},
          .benchmarks = {step_benchmark("sgd", "lnl-tiny, all parameters", 1'540'000, 11, 32, step),
                         step_benchmark("sgd", "lnl-base, all parameters", 11'900'000, 11, 32, step)}};
}

const bool registered = (registry().push_back({"sgd", cases}), true);

}  // namespace

TEST_CASE("sgd") {
  check_optimizer("sgd", step, formula);
}
