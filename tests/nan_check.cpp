#include "tests/nan_check.h"

#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "kernels/rng.h"

namespace fermion::test {
namespace {

using engine::DType;
using engine::Error;

// One number of a case, and the result of the case, or of one like it, when that number is another.
struct Place {
  std::string name;
  double value;
  std::function<Result(const Target& target, const OpCase& like, double value)> run_with;
  bool linear = false;             // the gradients are linear in it
  bool padded = false;             // zeros of a padding may be multiplied with it,
  bool padded_in_weights = false;  // or only in the gradients of weights
};

// Of each number of a result's gradients.
using Flags = std::vector<std::array<std::vector<bool>, 3>>;

// Calls body(flag, input, part, element) for each.
template <class Body>
void for_each_number(Flags& flags, const Body& body) {
  for (std::size_t i = 0; i < flags.size(); ++i)
    for (std::size_t part = 0; part < 3; ++part)
      for (std::size_t j = 0; j < flags[i][part].size(); ++j) body(flags[i][part][j], i, part, j);
}

// The case with neither ReLUs on its inputs, nor zeros, nor steep probabilities.
OpCase opened(OpCase test) {
  for (Input& input : test.inputs) {
    input.relu = false;
    if (input.fill == Input::Fill::normal) input.scale = std::min(input.scale, 1.0);
  }
  return test;
}

// Which numbers a NaN must reach, and which it may.
struct Reach {
  Flags must, may;
};

Reach reach(const Target& target, const OpCase& test, const Place& place, const Result& result) {
  Reach r;
  for (const InputGradient& gradient : result.gradients) {
    r.must.emplace_back();
    for (std::size_t part = 0; part < 3; ++part) r.must.back()[part].resize(gradient[part].size(), true);
  }
  r.may = r.must;
  // Where the gradient is 0, a ReLU, a maximum or a probability of 0 or 1 may stop every change of an input,
  // but no NaN.
  for_each_number(r.may, [&](auto flag, std::size_t i, std::size_t part, std::size_t j) {
    flag = (!place.linear || test.cancels) && result.gradients[i][part][j] == 0;
  });
  for (const OpCase& like : {test, opened(test)}) {
    const Result base = place.run_with(target, like, place.value);
    const auto run = [&](double value, bool small) {
      const Result other = place.run_with(target, like, value);
      const auto differs = [&](std::size_t i, std::size_t part, std::size_t j) {
        return !(other.gradients[i][part][j] == base.gradients[i][part][j]);
      };
      for_each_number(r.may, [&](auto flag, auto... at) { flag = flag || differs(at...); });
      if (small) for_each_number(r.must, [&](auto flag, auto... at) { flag = flag && differs(at...); });
    };
    const double step = 1e-3 * std::max(std::abs(place.value), 0.1);
    for (const double value : {place.value - step, place.value + step}) run(value, true);
    for (const double value : {-1e3, 1e3}) run(value, false);
  }
  return r;
}

void check_gradients(const Target& target, const OpCase& test, const Place& place, const Result& result,
                     const Result& with_nan) {
  const char* kinds[] = {"gradient", "sum of da", "sum of da x_hat"};
  bool hidden = false;  // a NaN came out where no change did
  Reach expected = reach(target, test, place, result);
  for_each_number(expected.may, [&](auto flag, std::size_t i, std::size_t part, std::size_t j) {
    if (place.padded || (place.padded_in_weights && test.inputs[i].always_f32)) flag = true;
    if (!flag && std::isnan(with_nan.gradients[i][part][j])) hidden = true;
  });
  // What bf16 rounds away, f32 shows.
  if (hidden && target.dtype == DType::bf16) {
    const Reach fine = reach({target.device}, test, place, result);
    for_each_number(expected.may, [&](auto flag, std::size_t i, std::size_t part, std::size_t j) {
      if (fine.may[i][part][j]) flag = true;
    });
  }
  const auto check = [&](Flags& flags, bool nan, const char* wrong) {
    for_each_number(flags, [&](bool flag, std::size_t i, std::size_t part, std::size_t j) {
      const double actual = with_nan.gradients[i][part][j];
      if (flag == nan && std::isnan(actual) != nan)
        throw Error("NaN in {}: input '{}': {}: [{}] is {}, {}", place.name, test.inputs[i].name, kinds[part],
                    j, actual, wrong);
    });
  };
  check(expected.must, true, "not NaN");
  check(expected.may, false, "though it does not depend on it");
}

void check_outputs(const Place& place, const std::vector<Array>& expected, const Result& with_nan) {
  for (std::size_t o = 0; o < expected.size(); ++o)
    for (std::size_t j = 0; j < expected[o].values.size(); ++j)
      if (std::isnan(expected[o].values[j]) != std::isnan(with_nan.outputs[o][j]) &&
          !(place.padded && std::isnan(with_nan.outputs[o][j])))
        throw Error("NaN in {}: output {}: [{}] is {}, the reference's {}", place.name, o, j,
                    with_nan.outputs[o][j], expected[o].values[j]);
}

// y, and of a norm gain, shift, mean and inv_std.
std::vector<std::pair<std::string, Tensor>> parts_of(const Feature& feature) {
  if (!feature.has_norm()) return {{"", feature.y}};
  return {{"", feature.y},
          {", gain", feature.gain},
          {", shift", feature.shift},
          {", mean", feature.statistics.slice(0, 1)},
          {", inv_std", feature.statistics.slice(1, 2)}};
}

// From `start` on, the first number with a gradient, if there is one: that is not behind a ReLU, and is read.
std::size_t with_gradient(const std::vector<double>& gradient, std::size_t start) {
  for (std::size_t n = 0; n < gradient.size(); ++n)
    if (const std::size_t i = (start + n) % gradient.size(); gradient[i] != 0) return i;
  return start;
}

std::size_t drawn(std::uint64_t seed, std::uint64_t place, std::int64_t size) {
  return static_cast<std::size_t>(kernels::Random{seed, 5, 0}.uniform(place) * static_cast<double>(size));
}

// The CPU leaves out what lies outside the images; CUDA multiplies zeros with it.
bool padded(const Target& target, const OpCase& test) {
  return test.padded && target.device.is_cuda();
}

// Each place takes a dozen runs of the op.
bool checks_gradients(const OpCase& test, const Result& result) {
  return any_gradient(test) && is_small(test, result);
}

void check_input(const Target& target, const OpCase& test, std::uint64_t seed, const Result& result,
                 std::size_t input) {
  const Feature feature = make_inputs(target, test, seed)[input];
  const auto parts = parts_of(feature);
  for (std::size_t part = 0; part < parts.size(); ++part) {
    const Tensor& numbers = parts[part].second;
    if ((numbers.dtype() != DType::f32 && numbers.dtype() != DType::bf16) || numbers.size() == 0) continue;
    std::size_t at = drawn(seed, 8 * input + part, numbers.size());
    if (part == 0 && any_gradient(test)) at = with_gradient(result.gradients[input][0], at);
    const auto inputs_with = [&](const Target& on, const OpCase& like, double value) {
      std::vector<Feature> inputs = make_inputs(on, like, seed);
      const Tensor changed = parts_of(inputs[input])[part].second;
      std::vector<double> all = doubles(changed);
      all[at] = value;
      write(changed, all);
      return inputs;
    };
    const Place place{.name = "input '" + test.inputs[input].name + "'" + parts[part].first,
                      .value = doubles(numbers)[at],
                      .run_with =
                          [&](const Target& on, const OpCase& like, double value) {
                            return run_op(on, like, inputs_with(on, like, value), cotangents(seed));
                          },
                      .padded = padded(target, test) && test.inputs[input].always_f32,
                      .padded_in_weights = padded(target, test)};
    const Result with_nan = place.run_with(target, test, NAN);
    check_outputs(place, Reference(test, inputs_with(target, test, NAN), seed).outputs(), with_nan);
    if (checks_gradients(test, result)) check_gradients(target, test, place, result, with_nan);
  }
}

}  // namespace

void check_nan(const Target& target, const OpCase& test, std::uint64_t seed, const Result& result) {
  for (std::size_t i = 0; i < test.inputs.size(); ++i) check_input(target, test, seed, result, i);
  for (std::size_t o = 0; checks_gradients(test, result) && o < result.outputs.size(); ++o) {
    const std::size_t size = result.outputs[o].size();
    if (size == 0) continue;
    const std::size_t at = drawn(seed, 1000 + o, static_cast<std::int64_t>(size));
    const auto run_with = [&](const Target& on, const OpCase& like, double value) {
      return run_op(on, like, make_inputs(on, like, seed), [&](std::size_t output, std::size_t count) {
        std::vector<double> dy = cotangent(output, count, seed);
        if (output == o) dy[at] = value;
        return dy;
      });
    };
    const Place place{.name = fmt::format("the gradient of output {}", o),
                      .value = cotangent(o, size, seed)[at],
                      .run_with = run_with,
                      .linear = true,
                      .padded = padded(target, test)};
    check_gradients(target, test, place, result, place.run_with(target, test, NAN));
  }
}

}  // namespace fermion::test
