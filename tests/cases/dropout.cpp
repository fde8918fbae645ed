#include <cmath>
#include <doctest/doctest.h>

#include "engine/ops.h"
#include "tests/harness.h"

using namespace fermion;
using namespace fermion::test;

FERMION_CASES(dropout) {
  const auto make = [](const std::string& name, Shape shape, float p) {
    return OpCase{
        .name = name,
        .inputs = {tensor("x", shape)},
        .op = [p](Tape& tape,
                  const std::vector<Feature>& in) { return std::vector<Tensor>{dropout(tape, in[0].y, p)}; },
        .reference =
            [p](const std::vector<Array>& in) {
              const kernels::Random random{7, kernels::stream_of("case"), 3};
              Array y = in[0];
              for (std::size_t i = 0; i < y.values.size(); ++i)
                y.values[i] = random.bits(i) >= p * 0x1p32 ? y.values[i] / (1.0 - static_cast<double>(p)) : 0;
              return std::vector<Array>{y};
            },
        .flops = static_cast<double>(shape.size()),
        .traffic = {2.0 * static_cast<double>(shape.size())},
        .backward_flops = static_cast<double>(shape.size()),
        .backward_traffic = {2.0 * static_cast<double>(shape.size())}};
  };
  return {.tests = {make("half", {3, 33}, 0.5f), make("a tenth", {257}, 0.1f), make("off", {5}, 0),
                    make("several blocks", {3, 1088}, 0.3f), make("empty", {0, 4}, 0.5f)},
          .benchmarks = {make("lnl-tiny, joint head", {batch.tiny, 1088}, 0.5f),
                         make("lnl-base, joint head", {batch.base, 2176}, 0.5f)}};
}

TEST_CASE("dropout: probability 0 and evaluation return x itself") {
  engine::Device device;
  const Tensor x = Tensor::zeros(device, engine::DType::f32, {3, 5});
  Tape train(device, engine::Mode::train), evaluate(device, engine::Mode::evaluate);
  CHECK(engine::dropout(train, x, 0).data<float>() == x.data<float>());
  CHECK(engine::dropout(evaluate, x, 0.5f).data<float>() == x.data<float>());
}

TEST_CASE("dropout refuses what is no probability, and a tape without random numbers") {
  engine::Device device;
  Tape tape(device, engine::Mode::train);
  const auto scope = tape.scope("head");
  const Tensor x = Tensor::zeros(device, engine::DType::f32, {3, 5});
  CHECK_THROWS_WITH(engine::dropout(tape, x, 1), "head/dropout: probability 1 is not in [0, 1)");
  CHECK_THROWS_WITH(engine::dropout(tape, x, NAN), "head/dropout: probability nan is not in [0, 1)");
  CHECK_THROWS_WITH(engine::dropout(tape, x, 0.5f), "head: a random op needs a tape with a seed and a step");
}
