#include "tests/harness.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "engine/error.h"
#include "tests/compare.h"
#include "tests/reference.h"

namespace fermion::test {
namespace {

using engine::Device;
using engine::DType;
using engine::Error;
using engine::Mode;
using kernels::Random;

constexpr double epsilon = std::numeric_limits<float>::epsilon();

struct Result {
  std::vector<std::vector<double>> outputs;
  std::vector<InputGradient> gradients;  // of the inputs
};

// sum of <cotangent, output>, as a node of the tape.
Tensor loss_of(Tape& tape, const std::vector<Tensor>& outputs, std::uint64_t seed) {
  Tensor loss = Tensor::empty(tape.device(), DType::f32, {});
  tape.op(
      "loss", {outputs}, {loss}, [&](auto, auto) { *loss.data<float>() = 0; },
      [outputs, seed](auto, auto) {
        for (std::size_t o = 0; o < outputs.size(); ++o) {
          const auto gradient = outputs[o].take_gradient<float>();
          const std::vector<double> r = cotangent(o, static_cast<std::size_t>(outputs[o].size()), seed);
          for (std::size_t i = 0; gradient && i < r.size(); ++i)
            gradient.data[i] = static_cast<float>(r[i]) +
                               (gradient.write == kernels::Write::accumulate ? gradient.data[i] : 0);
        }
      });
  return loss;
}

bool any_gradient(const OpCase& test) {
  return std::any_of(test.inputs.begin(), test.inputs.end(), [](const Input& i) { return i.gradient; });
}

void fill_with_ones(const Tensor& gradient) {
  std::fill_n(gradient.data<float>(), gradient.size(), 1.0f);
}

// prefill: the gradients of the inputs and their sums hold ones before the backward adds its own.
Result run(Device& device, const OpCase& test, std::vector<Feature> inputs, std::uint64_t seed,
           bool prefill) {
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (test.inputs[i].gradient) inputs[i].y.want_gradient();
  const Tensor step = Tensor::from<std::int32_t>(device, {1}, std::vector<std::int32_t>{3});
  Tape tape(device, Mode::train, {7, step});
  const auto scope = tape.scope("case");
  const std::vector<Tensor> outputs = test.op(tape, inputs);
  Result result;
  for (const Tensor& output : outputs) result.outputs.push_back(doubles(output));
  if (!any_gradient(test)) return result;
  if (prefill)
    for (const Feature& input : inputs)
      if (input.take_gradient<float>().da) {
        fill_with_ones(input.y.gradient());
        if (input.has_norm()) fill_with_ones(input.statistics.gradient());
      }
  tape.backward(loss_of(tape, outputs, seed));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    result.gradients.emplace_back();
    if (!test.inputs[i].gradient) continue;
    if (!inputs[i].y.gradient()) throw Error("no gradient arrived at input '{}'", test.inputs[i].name);
    result.gradients[i][0] = doubles(inputs[i].y.gradient());
    if (!inputs[i].has_norm()) continue;
    if (!inputs[i].statistics.gradient()) throw Error("no sums arrived at input '{}'", test.inputs[i].name);
    result.gradients[i][1] = doubles(inputs[i].statistics.gradient().slice(0, 1));
    result.gradients[i][2] = doubles(inputs[i].statistics.gradient().slice(1, 2));
  }
  return result;
}

void expect(const std::string& what, const std::string& wrong) {
  if (!wrong.empty()) throw Error("{}: {}", what, wrong);
}

// A NaN in an input must come out wherever the reference says so, and nowhere else.
void check_nan(Device& device, const OpCase& test, std::uint64_t seed) {
  for (std::size_t i = 0; i < test.inputs.size(); ++i) {
    std::vector<Feature> inputs = make_inputs(device, test, seed);
    const Tensor& y = inputs[i].y;
    if (y.dtype() != DType::f32 || y.size() == 0) continue;
    y.data<float>()[static_cast<std::int64_t>(Random{seed, 5, 0}.uniform(i) *
                                              static_cast<double>(y.size()))] = NAN;
    const std::vector<Array> expected = Reference(test, inputs, seed).outputs();
    const Result result = run(device, test, inputs, seed, false);
    for (std::size_t o = 0; o < expected.size(); ++o)
      for (std::size_t j = 0; j < expected[o].values.size(); ++j)
        if (std::isnan(expected[o].values[j]) != std::isnan(result.outputs[o][j]))
          throw Error("NaN in input '{}': output {}[{}] is {}, the reference's {}", test.inputs[i].name, o, j,
                      result.outputs[o][j], expected[o].values[j]);
  }
}

void same_bits(const Result& a, const Result& b) {
  if (a.outputs != b.outputs) throw Error("two runs gave different outputs");
  if (a.gradients != b.gradients) throw Error("two runs gave different gradients");
}

// `added`: the same run into gradients that held ones.
void check_added(const OpCase& test, const Result& result, const Result& added) {
  const char* kinds[] = {"gradient", "sum of da", "sum of da x_hat"};
  for (std::size_t i = 0; i < test.inputs.size(); ++i)
    for (std::size_t part = 0; part < result.gradients[i].size(); ++part) {
      std::vector<double> plus_one = result.gradients[i][part];
      for (double& g : plus_one) g += 1;
      expect(fmt::format("input '{}': {} added to ones", test.inputs[i].name, kinds[part]),
             compare(added.gradients[i][part], plus_one, {.tolerance = 4 * epsilon, .scale = 1}));
    }
}

// With another number of threads work is cut otherwise; what comes out is the same but for rounding.
void check_threads(const OpCase& test, std::uint64_t seed, const Result& result, int threads) {
  Device device({.threads = threads, .poison = true});
  const Result other = run(device, test, make_inputs(device, test, seed), seed, false);
  for (std::size_t o = 0; o < result.outputs.size(); ++o)
    expect(fmt::format("output {} with {} threads", o, threads),
           compare(other.outputs[o], result.outputs[o],
                   {.tolerance = 8 * epsilon * std::sqrt(test.terms), .sparse = true}));
  for (std::size_t i = 0; i < result.gradients.size(); ++i)
    for (std::size_t part = 0; part < result.gradients[i].size(); ++part)
      expect(fmt::format("input '{}': gradient with {} threads", test.inputs[i].name, threads),
             compare(other.gradients[i][part], result.gradients[i][part],
                     {.tolerance = 16 * epsilon * std::sqrt(test.gradient_terms), .sparse = true}));
}

void check_case(Device& device, const OpCase& test, std::uint64_t seed) {
  const std::vector<Feature> inputs = make_inputs(device, test, seed);
  const Result result = run(device, test, inputs, seed, false);
  Reference reference(test, inputs, seed);
  const std::vector<Array> expected = reference.outputs();
  if (expected.size() != result.outputs.size())
    throw Error("{} outputs instead of {}", result.outputs.size(), expected.size());
  const double tolerance = 8 * epsilon * std::sqrt(test.terms);
  for (std::size_t o = 0; o < expected.size(); ++o)
    expect(fmt::format("output {}", o),
           compare(result.outputs[o], expected[o].values, {.tolerance = tolerance, .sparse = test.sparse}));
  same_bits(result, run(device, test, make_inputs(device, test, seed), seed, false));
  for (const int threads : {1, 4}) check_threads(test, seed, result, threads);
  check_nan(device, test, seed);
  if (!any_gradient(test)) return;
  reference.check_gradients(result.gradients);
  check_added(test, result, run(device, test, make_inputs(device, test, seed), seed, true));
}

}  // namespace

std::size_t Array::offset(std::initializer_list<std::int64_t> index) const {
  std::int64_t at = 0;
  int i = 0;
  for (const std::int64_t k : index) at = at * (index.size() == 1 ? 1 : shape[i++]) + k;
  return static_cast<std::size_t>(at);
}

void run_case(const std::string& op, const OpCase& test) {
  const char* chosen = std::getenv("SEED");
  const std::uint64_t seed = chosen ? std::strtoull(chosen, nullptr, 10) : 1;
  try {
    Device device({.threads = 2, .poison = true});
    check_case(device, test, seed);
  } catch (const std::exception& error) {
    throw Error("{}\n  replay: CASE='{}' SEED={} make test OP={}", error.what(), test.name, seed, op);
  }
}

std::vector<Registered>& registry() {
  static std::vector<Registered> list;
  return list;
}

void run_cases(const std::string& op, OpCases (*cases)()) {
  const char* only = std::getenv("CASE");
  const bool list = std::getenv("LIST") != nullptr;
  for (const OpCase& test : cases().tests) {
    if (only && test.name != only) continue;
    if (list)
      fmt::print("{}: {}\n", op, test.name);
    else
      run_case(op, test);
  }
}

}  // namespace fermion::test
