// The float64 side of a case: the reference's outputs, and gradients by central differences.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/inputs.h"

namespace fermion::test {

// The gradients of a case's loss, sum over the outputs of <cotangent, output>, are what is checked.
std::vector<double> cotangent(std::size_t output, std::size_t size, std::uint64_t seed);

// What arrived at one input: its gradient (of a feature with a norm: da), sum of da, sum of da x_hat.
using InputGradient = std::array<std::vector<double>, 3>;

// Of a gradient, relative to its largest number. A backward chains two sums where a forward has one: twice
// its 2 eps sqrt(terms).
double gradient_tolerance(const OpCase& test, double rounding);

class Reference {
 public:
  // rounding: of activations, relative to the largest; 0 in f32.
  Reference(const OpCase& test, const std::vector<Feature>& inputs, std::uint64_t seed, double rounding = 0);

  std::vector<Array> outputs() const;
  // Compares with central differences, by single numbers and by sets of numbers that hold them all. Throws
  // with what differs.
  void check_gradients(const std::vector<InputGradient>& actual);

 private:
  using Set = std::vector<std::size_t>;
  std::vector<Set> sets_of(std::size_t count) const;
  // A gradient by `numbers`: the loss's slope as number i moves by moves[i]. At least `scale`
  // counts as the largest.
  void check(const std::string& name, std::vector<double>& numbers, std::vector<double> moves,
             std::vector<double> actual, double scale = 1e-3);
  double slope(std::vector<double>& numbers, const std::vector<double>& moves, const Set& set) const;
  double loss() const;

  const OpCase& test_;
  std::uint64_t seed_;
  double rounding_;
  std::vector<Values> values_;
  mutable std::vector<std::vector<double>> cotangents_;  // drawn once: a loss is taken hundreds of times
};

}  // namespace fermion::test
