#include "tests/harness.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "engine/error.h"

namespace fermion::test {
namespace {

using engine::Device;
using engine::DType;
using engine::Error;
using engine::Mode;
using kernels::Random;

// What a case owns: the tensors that the op sees and the same numbers in float64, perturbed by the gradient
// check.
struct Values {
  Array y, gain, shift, mean, inv_std;
};

std::vector<double> doubles(const Tensor& t) {
  std::vector<double> out(static_cast<std::size_t>(t.size()));
  if (t.dtype() == DType::f32) std::copy_n(t.data<float>(), t.size(), out.begin());
  if (t.dtype() == DType::i32) std::copy_n(t.data<std::int32_t>(), t.size(), out.begin());
  if (t.dtype() == DType::u8) std::copy_n(t.data<std::uint8_t>(), t.size(), out.begin());
  return out;
}

Array array(const Tensor& t) {
  Array a(t.shape());
  a.values = doubles(t);
  return a;
}

Tensor random_tensor(Device& device, const Input& input, const Random& random) {
  const auto size = static_cast<std::uint64_t>(input.shape.size());
  if (input.fill == Input::Fill::integers) {
    std::vector<std::int32_t> values(size);
    for (std::uint64_t i = 0; i < size; ++i)
      values[i] = static_cast<std::int32_t>(random.uniform(i) * input.scale);
    return Tensor::from<std::int32_t>(device, input.shape, values);
  }
  if (input.fill == Input::Fill::bytes) {
    std::vector<std::uint8_t> values(size);
    for (std::uint64_t i = 0; i < size; ++i) values[i] = static_cast<std::uint8_t>(random.uniform(i) * 256);
    return Tensor::from<std::uint8_t>(device, input.shape, values);
  }
  std::vector<float> values(size);
  for (std::uint64_t i = 0; i < size; ++i) {
    const double value = input.fill == Input::Fill::normal    ? random.normal(i) * input.scale
                         : input.fill == Input::Fill::uniform ? random.uniform(i) * input.scale
                                                              : 0.2 + 2 * random.uniform(i);
    values[i] = static_cast<float>(value);
  }
  return Tensor::from<float>(device, input.shape, values);
}

// value(x) in float64 (kernels/feature.h).
Array value(const Input& input, const Values& v) {
  if (!input.norm) return v.y;
  Array out = v.y;
  const auto C = static_cast<std::size_t>(input.shape[-1]);
  const std::size_t per_set = out.values.size() / (v.gain.values.size() / C);
  for (std::size_t i = 0; i < out.values.size(); ++i) {
    const std::size_t c = i / per_set * C + i % C;
    const double z =
        (out.values[i] - v.mean.values[c]) * v.inv_std.values[c] * v.gain.values[c] + v.shift.values[c];
    out.values[i] = input.relu && z < 0 ? 0 : z;
  }
  return out;
}

Values values_of(const Feature& feature) {
  Values v;
  v.y = array(feature.y);
  if (!feature.has_norm()) return v;
  v.gain = array(feature.gain);
  v.shift = array(feature.shift);
  v.mean = array(feature.statistics.slice(0, 1));
  v.inv_std = array(feature.statistics.slice(1, 2));
  return v;
}

struct Result {
  std::vector<std::vector<double>> outputs;
  // Per input: da (or the plain gradient), sum of da, sum of da x_hat.
  std::vector<std::array<std::vector<double>, 3>> gradients;
};

std::vector<double> cotangent(std::size_t output, std::size_t size, std::uint64_t seed) {
  const Random random{seed, 1000 + static_cast<std::uint32_t>(output), 0};
  std::vector<double> r(size);
  for (std::size_t i = 0; i < size; ++i) r[i] = static_cast<float>(random.normal(i));
  return r;
}

// sum of <cotangent, output>, as a node of the tape.
Tensor loss_of(Tape& tape, const std::vector<Tensor>& outputs, std::uint64_t seed) {
  Tensor loss = Tensor::empty(tape.device(), DType::f32, {});
  tape.op(
      "loss", outputs, {loss}, [&](auto, auto) { *loss.data<float>() = 0; },
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

// prefill: gradients of the inputs hold ones before the backward adds its own.
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
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (const auto gradient = inputs[i].y.take_gradient<float>())
        std::fill_n(gradient.data, inputs[i].y.size(), 1.0f);
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

class Reference {
 public:
  Reference(const OpCase& test, const std::vector<Feature>& inputs, std::uint64_t seed)
      : test_(test), seed_(seed) {
    for (const Feature& input : inputs) values_.push_back(values_of(input));
  }

  std::vector<Array> outputs() const {
    std::vector<Array> arguments;
    for (std::size_t i = 0; i < values_.size(); ++i) arguments.push_back(value(test_.inputs[i], values_[i]));
    return test_.reference(arguments);
  }

  // Central difference of the loss by one number; NaN where a kink (a ReLU, a maximum) lies within reach.
  double difference(double& number) const {
    const double at = number;
    const auto slope = [&](double h) {
      number = at + h;
      const double above = loss();
      number = at - h;
      const double below = loss();
      number = at;
      return (above - below) / (2 * h);
    };
    const double wide = slope(4e-5), narrow = slope(1e-5);
    const bool kink = std::abs(wide - narrow) > 1e-5 * (1 + std::abs(narrow));
    return kink ? std::numeric_limits<double>::quiet_NaN() : narrow;
  }

  Values& values(std::size_t input) { return values_[input]; }

 private:
  double loss() const {
    const std::vector<Array> results = outputs();
    double sum = 0;
    for (std::size_t o = 0; o < results.size(); ++o) {
      if (o == cotangents_.size()) cotangents_.push_back(cotangent(o, results[o].values.size(), seed_));
      const std::vector<double>& r = cotangents_[o];
      for (std::size_t i = 0; i < r.size(); ++i) sum += r[i] * results[o].values[i];
    }
    return sum;
  }

  const OpCase& test_;
  std::uint64_t seed_;
  mutable std::vector<std::vector<double>> cotangents_;  // drawn once: a loss is taken hundreds of times
  std::vector<Values> values_;
};

void expect(const std::string& what, const std::string& wrong) {
  if (!wrong.empty()) throw Error("{}: {}", what, wrong);
}

// Compares a gradient with central differences by `numbers`, some of them where there are many. `factor`
// turns the difference by y into da.
void check_gradient(Reference& reference, const std::string& what, std::vector<double>& numbers,
                    const std::vector<double>& actual, const std::function<double(std::size_t)>& factor,
                    double tolerance, std::uint64_t seed) {
  constexpr std::size_t most = 48;
  const Random random{seed, 77, 0};
  std::vector<double> expected, checked;
  std::size_t kinks = 0;
  const std::size_t count = std::min(most, numbers.size());
  for (std::size_t n = 0; n < count; ++n) {
    const std::size_t i =
        numbers.size() <= most
            ? n
            : static_cast<std::size_t>(random.uniform(n) * static_cast<double>(numbers.size()));
    const double slope = reference.difference(numbers[i]);
    if (std::isnan(slope)) {
      ++kinks;
      continue;
    }
    expected.push_back(slope * factor(i));
    checked.push_back(actual[i]);
  }
  if (kinks * 4 > count)
    throw Error("{}: {} of {} numbers lie at a kink; choose another seed", what, kinks, count);
  double largest = 0;
  for (const double a : actual) largest = std::max(largest, std::abs(a));
  for (std::size_t i = 0; i < checked.size(); ++i)
    if (!(std::abs(checked[i] - expected[i]) <= tolerance * std::max(largest, 1e-3)))
      throw Error("{}: gradient {} instead of {} (tolerance {:.1e} of {})", what, checked[i], expected[i],
                  tolerance, largest);
}

void check_gradients(Reference& reference, const OpCase& test, const Result& result, std::uint64_t seed) {
  constexpr double difference_error = 2e-6;
  const double tolerance =
      difference_error + 16 * std::numeric_limits<float>::epsilon() * std::sqrt(test.gradient_terms);
  const auto one = [](std::size_t) { return 1.0; };
  for (std::size_t i = 0; i < test.inputs.size(); ++i) {
    const Input& input = test.inputs[i];
    if (!input.gradient) continue;
    Values& v = reference.values(i);
    const auto& [da, sum_da, sum_da_x_hat] = result.gradients[i];
    const auto C =
        static_cast<std::size_t>(std::max<std::int64_t>(input.shape.rank() ? input.shape[-1] : 1, 1));
    const std::size_t per_set = input.norm ? v.y.values.size() / (v.gain.values.size() / C) : 1;
    const auto by_norm = [&](std::size_t at) {
      const std::size_t c = at / per_set * C + at % C;
      return 1 / (v.gain.values[c] * v.inv_std.values[c]);
    };
    check_gradient(reference, "d" + input.name, v.y.values, da,
                   input.norm ? std::function<double(std::size_t)>(by_norm) : one, tolerance, seed);
    if (!input.norm) continue;
    check_gradient(reference, "sum of d" + input.name, v.shift.values, sum_da, one, tolerance, seed);
    check_gradient(reference, "sum of d" + input.name + " x_hat", v.gain.values, sum_da_x_hat, one, tolerance,
                   seed);
  }
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

void check_case(Device& device, const OpCase& test, std::uint64_t seed) {
  std::vector<Feature> inputs = make_inputs(device, test, seed);
  const Result result = run(device, test, inputs, seed, false);
  Reference reference(test, inputs, seed);
  const std::vector<Array> expected = reference.outputs();
  if (expected.size() != result.outputs.size())
    throw Error("{} outputs instead of {}", result.outputs.size(), expected.size());
  const double tolerance = 8 * std::numeric_limits<float>::epsilon() * std::sqrt(test.terms);
  for (std::size_t o = 0; o < expected.size(); ++o)
    expect(fmt::format("output {}", o),
           compare(result.outputs[o], expected[o].values, tolerance, test.sparse));
  same_bits(result, run(device, test, make_inputs(device, test, seed), seed, false));
  check_nan(device, test, seed);
  if (!any_gradient(test)) return;
  check_gradients(reference, test, result, seed);
  Result added = run(device, test, make_inputs(device, test, seed), seed, true);
  for (std::size_t i = 0; i < test.inputs.size(); ++i) {
    if (!test.inputs[i].gradient) continue;
    std::vector<double> plus_one = result.gradients[i][0];
    for (double& g : plus_one) g += 1;
    expect("d" + test.inputs[i].name + " added to ones",
           compare(added.gradients[i][0], plus_one, 4 * std::numeric_limits<float>::epsilon()));
  }
}

}  // namespace

std::size_t Array::offset(std::initializer_list<std::int64_t> index) const {
  std::int64_t at = 0;
  int i = 0;
  for (const std::int64_t k : index) at = at * (index.size() == 1 ? 1 : shape[i++]) + k;
  return static_cast<std::size_t>(at);
}

std::string compare(const std::vector<double>& actual, const std::vector<double>& expected, double tolerance,
                    bool sparse) {
  if (actual.size() != expected.size())
    return fmt::format("{} elements instead of {}", actual.size(), expected.size());
  double largest = 0;
  std::size_t zeros = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (std::isfinite(expected[i])) largest = std::max(largest, std::abs(expected[i]));
    zeros += expected[i] == 0;
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const bool same_nan = std::isnan(expected[i]) && std::isnan(actual[i]);
    if (!same_nan && !(std::abs(actual[i] - expected[i]) <= tolerance * largest))
      return fmt::format("[{}] is {} instead of {} (tolerance {:.1e} of {})", i, actual[i], expected[i],
                         tolerance, largest);
  }
  if (!sparse && expected.size() > 1 &&
      static_cast<double>(zeros) > 0.9 * static_cast<double>(expected.size()))
    return fmt::format("{} of {} expected elements are zero: such a test shows nothing", zeros,
                       expected.size());
  return "";
}

std::vector<Feature> make_inputs(Device& device, const OpCase& test, std::uint64_t seed) {
  std::vector<Feature> inputs;
  std::uint32_t stream = 0;
  for (const Input& input : test.inputs) {
    Feature feature(random_tensor(device, input, {seed, stream++, 0}));
    if (input.norm) {
      const bool bank = input.shape.rank() == 5;
      const std::int64_t K = bank ? input.shape[0] : 1, C = input.shape[-1];
      const Shape channels = bank ? Shape{K, C} : Shape{C};
      feature.gain =
          random_tensor(device, tensor("gain", channels, Input::Fill::positive), {seed, stream++, 0});
      for (std::int64_t c = 0; c < K * C; c += 3) feature.gain.data<float>()[c] *= -1;
      feature.shift = random_tensor(device, tensor("shift", channels), {seed, stream++, 0});
      feature.statistics =
          random_tensor(device, tensor("statistics", {2, K, C}, Input::Fill::positive), {seed, stream++, 0});
      feature.relu = input.relu;
    }
    inputs.push_back(std::move(feature));
  }
  return inputs;
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
