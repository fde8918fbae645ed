#include <doctest/doctest.h>

#include "engine/ops.h"
#include "tests/harness.h"

using namespace fermion;
using namespace fermion::test;

FERMION_CASES(residual_add) {
  const auto op = [](Tape& tape, const std::vector<Feature>& in) {
    return std::vector<Tensor>{engine::residual_add(tape, in[0], in[1])};
  };
  const auto reference = [](const std::vector<Array>& in) {
    Array y(in[0].shape);
    for (std::size_t i = 0; i < y.values.size(); ++i) y.values[i] = in[0].values[i] + in[1].values[i];
    return std::vector<Array>{y};
  };
  const auto add = [&](const std::string& name, Shape shape, bool norm_a, bool norm_b) {
    return OpCase{.name = name,
                  .inputs = {feature("a", shape, norm_a), feature("b", shape, norm_b, false)},
                  .op = op,
                  .reference = reference,
                  .terms = 4,
                  .gradient_terms = static_cast<double>(shape.size() / shape[-1]),
                  .flops = static_cast<double>(shape.size()),
                  .traffic = {3.0 * static_cast<double>(shape.size())},
                  .backward_flops = 4.0 * (norm_a + norm_b) * static_cast<double>(shape.size()),
                  .backward_traffic = {(3.0 + norm_a + norm_b) * static_cast<double>(shape.size())}};
  };
  return {.tests = {add("plain", {2, 5, 7, 33}, false, false),
                    add("one pixel, one channel", {1, 1, 1, 1}, true, true),
                    add("norms", {3, 9, 11, 35}, true, true), add("bank", {4, 2, 5, 3, 32}, true, false),
                    add("several chunks", {2, 30, 30, 18}, true, true)},
          .benchmarks = {add("lnl-tiny, non-local block", {batch.tiny, 16, 16, 64}, true, true),
                         add("lnl-base, non-local block", {batch.base, 28, 28, 128}, true, true)}};
}

TEST_CASE("residual_add refuses what does not fit, with both shapes") {
  engine::Device device({.threads = 1});
  const auto zeros = [&](Shape shape) { return Tensor::zeros(device, engine::DType::f32, shape); };
  Tape tape(device, engine::Mode::train);
  const auto scope = tape.scope("non_local.block1");
  CHECK_THROWS_WITH_AS(engine::residual_add(tape, zeros({2, 4, 4, 8}), zeros({2, 4, 4, 9})),
                       "non_local.block1/residual_add: shapes [2, 4, 4, 8] and [2, 4, 4, 9] differ",
                       engine::Error);
  CHECK_THROWS_WITH_AS(engine::residual_add(tape, zeros({2, 4, 4, 8}), zeros({1, 2, 4, 4, 8})),
                       "non_local.block1/residual_add: shapes [2, 4, 4, 8] and [1, 2, 4, 4, 8] differ",
                       engine::Error);
  CHECK_THROWS_WITH_AS(
      engine::residual_add(tape, zeros({4, 8}), zeros({4, 8})),
      "non_local.block1/residual_add: a feature is [N, H, W, C] or [K, N, H, W, C], not [4, 8]",
      engine::Error);
}
