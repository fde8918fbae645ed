// The comparator and the harness see what is wrong: without this, no case proves anything.
#include "tests/harness.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <doctest/doctest.h>
#include <hwy/targets.h>
#include <limits>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/error.h"
#include "tests/compare.h"

using namespace fermion;
using namespace fermion::test;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("numbers within the tolerance of the largest are the same") {
  CHECK(compare({1, 2, 100.9}, {1, 2, 100}, {.tolerance = 0.01}) == "");
  CHECK(compare({1.9, 2, 100}, {1, 2, 100}, {.tolerance = 0.01}) == "");
  CHECK(compare({2.1, 2, 100}, {1, 2, 100}, {.tolerance = 0.01}) ==
        "[0] is 2.1 instead of 1 (tolerance 1.0e-02 of 100)");
  CHECK(compare({1, 2, 98}, {1, 2, 100}, {.tolerance = 0.01}) != "");
  CHECK(compare({1e-3, -1e-3}, {0.5e-3, -1e-3}, {.tolerance = 0.01}) != "");
  CHECK(compare({1e-3, -1e-3}, {0.5e-3, -1e-3}, {.tolerance = 0.01, .scale = 1}) == "");
}

TEST_CASE("another size is never the same") {
  CHECK(compare({1, 2}, {1, 2, 3}, {.tolerance = 1}) == "2 elements instead of 3");
  CHECK(compare({}, {1}, {.tolerance = 1}) != "");
  CHECK(compare({}, {}, {}) == "");
}

TEST_CASE("a NaN or an infinity on one side only is seen") {
  for (const double odd : {not_a_number, infinity, -infinity}) {
    CHECK(compare({1, odd}, {1, 2}, {.tolerance = 1}) != "");
    CHECK(compare({1, 2}, {1, odd}, {.tolerance = 1}) != "");
  }
  CHECK(compare({1, not_a_number}, {1, not_a_number}, {.tolerance = 1}) == "");
  CHECK(compare({not_a_number, 1}, {1, not_a_number}, {.tolerance = 1}) != "");
  CHECK(compare({3, not_a_number}, {1, not_a_number}, {.tolerance = 0.1}) !=
        "");  // the others are still compared
}

TEST_CASE("an expectation of nothing but zeros shows nothing") {
  const std::vector<double> zeros(100);
  std::vector<double> few = zeros;
  CHECK(holds(compare(zeros, zeros, {.tolerance = 1}), "such a test shows nothing"));
  for (int i = 0; i < 9; ++i) few[i] = 1;
  CHECK(compare(few, few, {.tolerance = 1}) != "");
  CHECK(compare(few, few, {.tolerance = 1, .sparse = true}) == "");
  for (int i = 9; i < 12; ++i) few[i] = 1;
  CHECK(compare(few, few, {.tolerance = 1}) == "");
  CHECK(compare(zeros, few, {.tolerance = 0.5}) != "");
  CHECK(compare({0}, {0}, {}) == "");
}

namespace {

// y = 2 x over features, with a fault.
struct Fault {
  float factor = 2, gradient = 2, sum = 1, sum_x_hat = 1, stray = 0;
  bool hides_nan = false, hides_nan_back = false, hides_nan_sum = false, spreads_nan = false,
       overwrites = false, drifts = false, drops_gradient = false, needs_two = false, needs_best = false,
       skips = false, overruns = false;
};

std::vector<Tensor> twice(Tape& tape, const Feature& x, const Fault& fault) {
  static int runs = 0;
  static const std::int64_t best_targets = hwy::SupportedTargets();
  const float drift = fault.drifts ? 1e-6f * static_cast<float>(runs++ % 2) : 0;
  Tensor y = Tensor::empty(tape.device(), engine::DType::f32, x.y.shape());
  const auto value = [x](std::int64_t i, double* x_hat = nullptr) {
    const kernels::Feature<float> v = x.view<float>();
    if (!v.norm) return v.y[i];
    const std::int64_t c = i % x.y.shape()[-1];
    const float h = (v.y[i] - v.norm.mean[c]) * v.norm.inv_std[c];
    if (x_hat) *x_hat = h;
    return h * v.norm.gain[c] + v.norm.shift[c];
  };
  tape.op(
      "twice", {{x.y}}, {y},
      [&](auto, auto) {
        if (fault.overruns) y.data<float>()[y.size()] = 0;
        for (std::int64_t i = fault.skips; i < y.size(); ++i) {
          y.data<float>()[i] = (fault.factor + drift) * value(i);
          if (fault.needs_two && tape.device().threads() != 2) y.data<float>()[i] *= 1.00001f;
          if (fault.needs_best && hwy::SupportedTargets() != best_targets) y.data<float>()[i] *= 1.00001f;
          if (fault.hides_nan && std::isnan(y.data<float>()[i])) y.data<float>()[i] = 0;
        }
      },
      [x, y, fault, value](auto, auto) {
        if (fault.drops_gradient) return;
        const kernels::FeatureGradient<float> gradient = x.take_gradient<float>();
        const Tensor dy = y.gradient();
        const bool nan = std::any_of(dy.data<float>(), dy.data<float>() + dy.size(),
                                     [](float d) { return std::isnan(d); });
        for (std::int64_t i = 0; i < y.size(); ++i) {
          float da = fault.gradient * dy.data<float>()[i] + (i == 41 ? fault.stray : 0);
          if (nan && fault.hides_nan_back) da = std::isnan(da) ? 0 : da;
          if (nan && fault.spreads_nan) da = NAN;
          const bool add = gradient.da.write == kernels::Write::accumulate && !fault.overwrites;
          gradient.da.data[i] = da + (add ? gradient.da.data[i] : 0);
          if (!gradient.sum_da) continue;
          double x_hat = 0;
          value(i, &x_hat);
          if (fault.hides_nan_sum && std::isnan(x_hat)) x_hat = 0;
          gradient.sum_da[i % x.y.shape()[-1]] += fault.sum * da;
          gradient.sum_da_x_hat[i % x.y.shape()[-1]] += fault.sum_x_hat * static_cast<float>(da * x_hat);
        }
      });
  return {y};
}

// What run_case says of y = 2 x with this fault: "" when nothing.
std::string verdict(const Fault& fault, bool norm = true) {
  const OpCase test{
      .name = "a test",
      .inputs = {feature("x", {2, 3, 3, 5}, norm, false)},
      .op = [&](Tape& tape, const std::vector<Feature>& in) { return twice(tape, in[0], fault); },
      .reference =
          [](const std::vector<Array>& in) {
            Array y = in[0];
            for (double& v : y.values) v *= 2;
            return std::vector<Array>{y};
          },
      .terms = 4,
      .gradient_terms = 18};
  try {
    run_case("twice", test);
  } catch (const engine::Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a case passes an op that is right and sees each fault") {
  CHECK(verdict({}, false) == "");
  CHECK(verdict({}, true) == "");
  CHECK(holds(verdict({.factor = 2.00001f}), "output 0: ["));
  CHECK(holds(verdict({.gradient = 2.001f}), "dx: ["));
  for (const float stray : {1e-3f, 1e30f}) CHECK(holds(verdict({.stray = stray}, false), "dx: ["));
  CHECK(holds(verdict({.stray = NAN}, false), "dx: [41] is nan"));
  CHECK(holds(verdict({.sum = 1.001f}), "sum of dx: ["));
  CHECK(holds(verdict({.sum_x_hat = 1.001f}), "sum of dx x_hat: ["));
  CHECK(holds(verdict({.hides_nan = true}), "NaN in input 'x'"));
  CHECK(holds(verdict({.hides_nan_back = true}), "NaN in the gradient of output 0: input 'x': gradient: ["));
  CHECK(holds(verdict({.spreads_nan = true}), "is nan, though it does not depend on it"));
  CHECK(holds(verdict({.hides_nan_sum = true}), "NaN in input 'x': input 'x': sum of da x_hat: ["));
  CHECK(holds(verdict({.overwrites = true}), "gradient added to ones"));
  CHECK(holds(verdict({.drifts = true}), "two runs gave different outputs"));
  CHECK(holds(verdict({.skips = true}), "output 0: [0] is -nan"));
  CHECK(holds(verdict({.needs_two = true}), "output 0 with 1 threads"));
  CHECK(holds(verdict({.needs_best = true}), "output 0 with "));
  CHECK(holds(verdict({.drops_gradient = true}), "no gradient arrived at input 'x'"));
}

TEST_CASE("a write past the end of a tensor aborts") {
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);
    std::freopen("/dev/null", "w", stderr);
    verdict({.overruns = true});
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGABRT);
}

TEST_CASE("a failure prints the command that replays it") {
  CHECK(holds(verdict({.factor = 3}), "CASE='a test' SEED=1 make test OP=twice DEVICE=cpu"));
}
