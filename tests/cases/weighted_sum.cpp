#include <cmath>
#include <doctest/doctest.h>

#include "engine/ops.h"
#include "tests/harness.h"

using namespace fermion;
using namespace fermion::test;

FERMION_CASES(weighted_sum) {
  const auto make = [](const std::string& name, std::vector<float> weights) {
    std::vector<Input> inputs;
    for (std::size_t i = 0; i < weights.size(); ++i) inputs.push_back(parameter(fmt::format("x{}", i), {}));
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
                  .terms = static_cast<double>(weights.size()),
                  .roundings = 0,
                  .flops = 2.0 * static_cast<double>(weights.size()),
                  .traffic = {0, 4.0 * static_cast<double>(weights.size() + 1)},
                  .backward_flops = static_cast<double>(weights.size()),
                  .backward_traffic = {0, 4.0 * static_cast<double>(weights.size() + 1)}};
  };
  return {.tests = {make("one", {2}), make("four", {1, 0.5f, -0.5f, 0.1f}),
                    make("many", std::vector<float>(19, 0.25f))},
          .benchmarks = {make("four terms of the loss", {1, 0.5f, 0.5f, 0.1f})}};
}

TEST_CASE("weighted_sum: one scalar may come twice") {
  engine::Device device(tested_device());
  const Tensor x = Tensor::from<float>(device, {}, std::vector<float>{3});
  x.want_gradient();
  Tape tape(device, engine::Mode::train);
  const Tensor y = engine::weighted_sum(tape, {x, x}, {2, 0.5f});
  tape.backward(y);
  CHECK(y.item<float>() == 7.5f);
  CHECK(x.gradient().item<float>() == 2.5f);
}

TEST_CASE("weighted_sum refuses what is no list of scalars") {
  engine::Device device;
  Tape tape(device, engine::Mode::train);
  const Tensor x = Tensor::zeros(device, engine::DType::f32, {}),
               pair = Tensor::zeros(device, engine::DType::f32, {2});
  CHECK_THROWS_WITH(engine::weighted_sum(tape, {}, {}), "/weighted_sum: 0 scalars and 0 weights");
  CHECK_THROWS_WITH(engine::weighted_sum(tape, {x}, {1, 2}), "/weighted_sum: 1 scalars and 2 weights");
  CHECK_THROWS_WITH(engine::weighted_sum(tape, {x, pair}, {1, 2}), "/weighted_sum: [2] is no scalar");
}
