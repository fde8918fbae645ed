#include <cmath>
#include <doctest/doctest.h>

#include "engine/ops.h"
#include "tests/harness.h"

using namespace fermion;
using namespace fermion::test;

FERMION_CASES(weighted_sum) {
  const auto make = [](const std::string& name, std::vector<float> weights) {
    std::vector<Input> inputs;
    for (std::size_t i = 0; i < weights.size(); ++i) inputs.push_back(tensor(fmt::format("x{}", i), {}));
    return OpCase{.name = name,
                  .inputs = inputs,
                  .op =
                      [weights](Tape& tape, const std::vector<Feature>& in) {
                        std::vector<Tensor> scalars;
                        for (const Feature& x : in) scalars.push_back(x.y);
                        return std::vector<Tensor>{weighted_sum(tape, scalars, weights)};
                      },
                  .reference =
                      [weights](const std::vector<Array>& in) {
                        Array y(Shape{});
                        for (std::size_t i = 0; i < in.size(); ++i)
                          y.values[0] += weights[i] * in[i].values[0];
                        return std::vector<Array>{y};
                      },
                  .terms = static_cast<double>(weights.size())};
  };
  return {.tests = {make("one", {2}), make("four", {1, 0.5f, -0.5f, 0.1f})}, .benchmarks = {}};
}
