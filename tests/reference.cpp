#include "tests/reference.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/error.h"
#include "kernels/rng.h"

namespace fermion::test {

using engine::Error;
using kernels::Random;

std::vector<double> cotangent(std::size_t output, std::size_t size, std::uint64_t seed) {
  const Random random{seed, 1000 + static_cast<std::uint32_t>(output), 0};
  std::vector<double> r(size);
  // Representable in bf16, so that every device starts from the same.
  for (std::size_t i = 0; i < size; ++i)
    r[i] = kernels::to_float(kernels::from_float<kernels::bf16>(static_cast<float>(random.normal(i))));
  return r;
}

double gradient_tolerance(const OpCase& test, double rounding) {
  return 4 * std::numeric_limits<float>::epsilon() * std::sqrt(test.gradient_terms) + rounding;
}

Reference::Reference(const OpCase& test, const std::vector<Feature>& inputs, std::uint64_t seed,
                     double rounding)
    : test_(test), seed_(seed), rounding_(rounding), values_(inputs.begin(), inputs.end()) {}

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

// Central difference of the loss as the numbers of `set` move together; NaN where a kink (a ReLU, a maximum)
// lies within reach. At a kink in the middle, such as a maximum of two equal numbers, central differences
// agree; but what the two sides differ by does not shrink with the step.
double Reference::slope(std::vector<double>& numbers, const std::vector<double>& moves,
                        const Set& set) const {
  const std::vector<double> at = numbers;
  const auto loss_at = [&](double h) {
    for (const std::size_t i : set) numbers[i] = at[i] + h * moves[i];
    return loss();
  };
  const double length = std::sqrt(static_cast<double>(set.size())), middle = loss();
  struct Slopes {
    double central, difference;  // of the slopes to both sides
  };
  const auto slopes = [&](double step) {
    const double h = step / length, up = loss_at(h) - middle, down = middle - loss_at(-h);
    return Slopes{(up + down) / (2 * step), (up - down) / step};
  };
  const Slopes wide = slopes(4e-5), narrow = slopes(1e-5);
  numbers = at;
  const double tolerance = 1e-5 * (1 + std::abs(narrow.central));
  const bool kink = std::abs(wide.central - narrow.central) > tolerance ||
                    std::abs(narrow.difference) > std::max(tolerance, std::abs(wide.difference) / 2);
  return kink ? std::numeric_limits<double>::quiet_NaN() : narrow.central;
}

// What moves together: of up to 48 numbers each one for itself; of more, 32 for themselves, and all of them
// in 16 sets.
std::vector<Reference::Set> Reference::sets_of(std::size_t count) const {
  std::vector<Set> sets;
  if (count <= 48) {
    for (std::size_t i = 0; i < count; ++i) sets.push_back({i});
    return sets;
  }
  sets.resize(16);
  for (std::size_t i = 0; i < count; ++i) sets[i % 16].push_back(i);
  const Random random{seed_, 77, 0};
  for (std::size_t n = 0; n < 32; ++n)
    sets.push_back({static_cast<std::size_t>(random.uniform(n) * static_cast<double>(count))});
  return sets;
}

void Reference::check(const std::string& name, std::vector<double>& numbers, std::vector<double> moves,
                      std::vector<double> actual, double scale) {
  constexpr double difference_error = 2e-6;  // twice what any case of the CPU shows
  const double tolerance = difference_error + gradient_tolerance(test_, rounding_);
  if (actual.size() != numbers.size())
    throw Error("{}: {} elements instead of {}", name, actual.size(), numbers.size());
  // At kinks too.
  for (std::size_t i = 0; i < actual.size(); ++i)
    if (!std::isfinite(actual[i])) throw Error("{}: [{}] is {}", name, i, actual[i]);
  // Random signs, so that errors within a set do not cancel.
  const Random random{seed_, 78, 0};
  for (std::size_t i = 0; i < moves.size(); ++i)
    if (random.uniform(i) < 0.5) {
      moves[i] *= -1;
      actual[i] *= -1;
    }
  std::vector<Set> sets = sets_of(numbers.size());
  std::vector<std::pair<Set, double>> expected;
  std::size_t kinks = 0;
  double largest = scale;
  while (!sets.empty()) {
    const Set set = std::move(sets.back());
    sets.pop_back();
    const double value = slope(numbers, moves, set);
    if (!std::isnan(value)) {
      expected.emplace_back(set, value);
      largest = std::max(largest, std::abs(value));
    } else if (set.size() > 1) {  // its halves instead, down to the number at the kink
      const auto middle = set.begin() + static_cast<std::ptrdiff_t>(set.size() / 2);
      sets.emplace_back(set.begin(), middle);
      sets.emplace_back(middle, set.end());
    } else {
      ++kinks;
    }
  }
  for (const auto& [set, value] : expected) {
    double sum = 0;
    for (const std::size_t i : set) sum += actual[i];
    sum /= std::sqrt(static_cast<double>(set.size()));
    if (!(std::abs(sum - value) <= tolerance * largest))
      throw Error("{}: [{}]{} is {} instead of {} (tolerance {:.1e} of {})", name, set.front(),
                  set.size() > 1 ? fmt::format(" with {} others", set.size() - 1) : "", sum, value, tolerance,
                  largest);
  }
  if (kinks * 4 > numbers.size())
    throw Error("{}: {} numbers lie at a kink; choose another seed", name, kinks);
}

void Reference::check_gradients(const std::vector<InputGradient>& actual) {
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const Input& input = test_.inputs[i];
    if (!input.gradient) continue;
    Values& v = values_[i];
    const auto& [da, sum_da, sum_da_x_hat] = actual[i];
    const std::string name = "d" + input.name;
    std::vector<double> moves(v.y.values.size(), 1);
    // da is the gradient by x_hat gain + shift.
    for (std::size_t at = 0; input.norm && at < moves.size(); ++at)
      moves[at] = 1 / (v.gain.values[v.channel(at)] * v.inv_std.values[v.channel(at)]);
    check(name, v.y.values, moves, da);
    if (!input.norm) continue;
    const std::vector<double> ones(v.gain.values.size(), 1);
    // Of bf16: roundings of what is summed do not cancel where the sum does. Twice their root of squares is
    // almost five standard deviations.
    const double squares = std::inner_product(da.begin(), da.end(), da.begin(), 0.0);
    const double scale = rounding_ > 0 ? 2 * std::sqrt(squares / static_cast<double>(ones.size())) : 1e-3;
    check("sum of " + name, v.shift.values, ones, sum_da, scale);
    check("sum of " + name + " x_hat", v.gain.values, ones, sum_da_x_hat, scale);
  }
}

}  // namespace fermion::test
