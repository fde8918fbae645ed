// One run of a case's op, forward and backward.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "tests/reference.h"

namespace fermion::test {

struct Result {
  std::vector<std::vector<double>> outputs;
  std::vector<InputGradient> gradients;  // of the inputs; empty where none is wanted
};

// What the backward starts from: the gradient of an output.
using Cotangents = std::function<std::vector<double>(std::size_t output, std::size_t size)>;
Cotangents cotangents(std::uint64_t seed);

// prefill: the gradients of the inputs and their sums hold ones before the backward adds its own.
Result run_op(const Target& target, const OpCase& test, std::vector<Feature> inputs, const Cotangents& dy,
              bool prefill = false);

bool any_gradient(const OpCase& test);
// Whether it may be run dozens of times: at most 30,000 numbers in and out. Larger cases are about something
// else.
bool is_small(const OpCase& test, const Result& result);

}  // namespace fermion::test
