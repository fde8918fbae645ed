#include "kernels/adamw.h"

#include <cmath>
#include <doctest/doctest.h>

#include "tests/step_rig.h"

using namespace fermion;
using namespace fermion::test;

namespace {

constexpr kernels::AdamW options{.beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-3, .weight_decay = 0.5};

void step(engine::Device& device, const std::string& label, const kernels::ParameterStep& step) {
  device.run(label, engine::DType::f32, [&](auto ctx, auto) { kernels::adamw_step(ctx, options, step); });
}

void formula(double& value, double g, double& m, double& v, bool decay, double learning_rate, double t) {
  if (decay) value -= learning_rate * 0.5 * value;
  m = 0.8 * m + 0.2 * g;
  v = 0.95 * v + 0.05 * g * g;
  const double m_hat = m / (1 - std::pow(0.8, t)), v_hat = v / (1 - std::pow(0.95, t));
  value -= learning_rate * m_hat / (std::sqrt(v_hat) + 1e-3);
}

OpCases cases(Batches) {
  return {.tests = {},
          .benchmarks = {step_benchmark("adamw", "lnl-tiny, all parameters", 1'540'000, 18, 40, step),
                         step_benchmark("adamw", "lnl-base, all parameters", 11'900'000, 18, 40, step)}};
}

const bool registered = (registry().push_back({"adamw", cases}), true);

}  // namespace

TEST_CASE("adamw") {
  check_optimizer("adamw", step, formula);
}
