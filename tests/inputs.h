// Inputs of a case: on a device, as the op sees them, and in float64, as the reference does.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/harness.h"

namespace fermion::test {

// Where a case runs, and the element type of its activations.
struct Target {
  engine::Device& device;
  engine::DType dtype = engine::DType::f32;
};

// The same for the same seed, but for rounding. Gains have both signs, and features with a ReLU some exact
// zeros before it.
std::vector<Feature> make_inputs(const Target& target, const OpCase& test, std::uint64_t seed);

// A tensor's numbers in float64, and back, rounded to its element type.
std::vector<double> doubles(const Tensor& tensor);
void write(const Tensor& tensor, const std::vector<double>& values);

// One input in float64. The gradient check perturbs its numbers.
struct Values {
  explicit Values(const Feature& feature);

  Array y, gain, shift, mean, inv_std;  // all but y empty without a norm
  // Whether x_hat gain + shift was exactly 0: there a ReLU gives 0 and a gradient of 0, whatever moves.
  std::vector<bool> masked;

  // value(x) (kernels/feature.h).
  Array value(bool relu) const;
  // The index into gain of element i of y.
  std::size_t channel(std::size_t i) const;
};

}  // namespace fermion::test
