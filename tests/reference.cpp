#include "tests/reference.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "engine/error.h"
#include "kernels/rng.h"

namespace fermion::test {

using engine::Error;
using kernels::Random;

std::vector<double> cotangent(std::size_t output, std::size_t size, std::uint64_t seed) {
  const Random random{seed, 1000 + static_cast<std::uint32_t>(output), 0};
  std::vector<double> r(size);
  for (std::size_t i = 0; i < size; ++i) r[i] = static_cast<float>(random.normal(i));
  return r;
}

// A gradient by `numbers`, and the factor that turns the loss's difference by number i into it.
struct Reference::Checked {
  std::string name;
  std::function<double(std::size_t)> factor = [](std::size_t) { return 1.0; };
};

Reference::Reference(const OpCase& test, const std::vector<Feature>& inputs, std::uint64_t seed)
    : test_(test), seed_(seed), values_(inputs.begin(), inputs.end()) {}

std::vector<Array> Reference::outputs() const {
  std::vector<Array> arguments;
  for (std::size_t i = 0; i < values_.size(); ++i)
    arguments.push_back(values_[i].value(test_.inputs[i].relu));
  return test_.reference(arguments);
}

double Reference::loss() const {
  const std::vector<Array> results = outputs();
  double sum = 0;
  for (std::size_t o = 0; o < results.size(); ++o) {
    if (o == cotangents_.size()) cotangents_.push_back(cotangent(o, results[o].values.size(), seed_));
    const std::vector<double>& r = cotangents_[o];
    for (std::size_t i = 0; i < r.size(); ++i) sum += r[i] * results[o].values[i];
  }
  return sum;
}

// Central difference of the loss by one number; NaN where a kink (a ReLU, a maximum) lies within reach.
double Reference::difference(double& number) const {
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

void Reference::check(const Checked& what, std::vector<double>& numbers, const std::vector<double>& actual) {
  constexpr std::size_t most = 48;
  constexpr double difference_error = 2e-6;
  const double tolerance =
      difference_error + 16 * std::numeric_limits<float>::epsilon() * std::sqrt(test_.gradient_terms);
  if (actual.size() != numbers.size())
    throw Error("{}: {} elements instead of {}", what.name, actual.size(), numbers.size());
  double largest = 0;
  for (const double a : actual) largest = std::max(largest, std::abs(a));
  const Random random{seed_, 77, 0};
  const std::size_t count = std::min(most, numbers.size());
  std::size_t kinks = 0;
  for (std::size_t n = 0; n < count; ++n) {
    const std::size_t i =
        numbers.size() <= most
            ? n
            : static_cast<std::size_t>(random.uniform(n) * static_cast<double>(numbers.size()));
    const double slope = difference(numbers[i]);
    if (std::isnan(slope)) {
      ++kinks;
      continue;
    }
    const double expected = slope * what.factor(i);
    if (!(std::abs(actual[i] - expected) <= tolerance * std::max(largest, 1e-3)))
      throw Error("{}: [{}] is {} instead of {} (tolerance {:.1e} of {})", what.name, i, actual[i], expected,
                  tolerance, largest);
  }
  if (kinks * 4 > count)
    throw Error("{}: {} of {} numbers lie at a kink; choose another seed", what.name, kinks, count);
}

void Reference::check_gradients(const std::vector<InputGradient>& actual) {
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const Input& input = test_.inputs[i];
    if (!input.gradient) continue;
    Values& v = values_[i];
    const auto& [da, sum_da, sum_da_x_hat] = actual[i];
    const std::string name = "d" + input.name;
    if (!input.norm) {
      check({name}, v.y.values, da);
      continue;
    }
    check({name,
           [&v](std::size_t at) {
             const std::size_t c = v.channel(at);
             return 1 / (v.gain.values[c] * v.inv_std.values[c]);
           }},
          v.y.values, da);
    check({"sum of " + name}, v.shift.values, sum_da);
    check({"sum of " + name + " x_hat"}, v.gain.values, sum_da_x_hat);
  }
}

}  // namespace fermion::test
