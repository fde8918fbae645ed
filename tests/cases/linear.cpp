#include <algorithm>
#include <doctest/doctest.h>

#include "engine/ops.h"
#include "tests/harness.h"

using namespace fermion;
using namespace fermion::test;

namespace {

std::vector<Array> reference(const std::vector<Array>& in) {
  const Array &x = in[0], &weight = in[1];
  const bool bank = x.shape.rank() == 3;
  const std::int64_t K = bank ? x.shape[0] : 1, M = x.shape[-2], Ci = x.shape[-1], Co = weight.shape[-2];
  Array y(bank ? Shape{K, M, Co} : Shape{M, Co});
  for (std::int64_t k = 0; k < K; ++k)
    for (std::int64_t m = 0; m < M; ++m)
      for (std::int64_t o = 0; o < Co; ++o) {
        double sum = in.size() == 3 ? in[2](k * Co + o) : 0;
        for (std::int64_t i = 0; i < Ci; ++i) sum += x((k * M + m) * Ci + i) * weight((k * Co + o) * Ci + i);
        y((k * M + m) * Co + o) = sum;
      }
  return {y};
}

// K = 0: a single layer, not a bank.
OpCase linear(const std::string& name, std::int64_t K, std::int64_t M, std::int64_t Ci, std::int64_t Co,
              bool bias = true) {
  const auto products = static_cast<double>(std::max<std::int64_t>(K, 1) * M * Ci * Co);
  const auto in_all = [&](std::int64_t numbers) {
    return static_cast<double>(std::max<std::int64_t>(K, 1) * numbers);
  };
  OpCase test{
      .name = name,
      .inputs = {tensor("x", K ? Shape{K, M, Ci} : Shape{M, Ci}),
                 parameter("weight", K ? Shape{K, Co, Ci} : Shape{Co, Ci})},
      .op =
          [](Tape& tape, const std::vector<Feature>& in) {
            return std::vector{engine::linear(tape, in[0].y, in[1].y, in.size() == 3 ? in[2].y : Tensor())};
          },
      .reference = reference,
      .terms = static_cast<double>(Ci + 1),
      .gradient_terms = static_cast<double>(std::max(M, Co)),
      .flops = 2 * products,
      .traffic = {in_all(M * Ci + M * Co), 4 * in_all(Co * Ci + Co)},
      .backward_flops = 4 * products,
      .backward_traffic = {in_all(2 * M * Ci + M * Co), 4 * in_all(2 * Co * Ci + Co)}};
  if (bias) test.inputs.push_back(parameter("bias", K ? Shape{K, Co} : Shape{Co}));
  return test;
}

}  // namespace

FERMION_CASES(linear) {
  return {.tests = {linear("one row, one output", 0, 1, 3, 1), linear("odd sizes", 0, 33, 35, 7),
                    linear("no bias", 0, 5, 130, 8, false), linear("joint head of lnl-tiny", 0, 8, 1088, 7),
                    linear("wide output", 0, 9, 31, 257), linear("several pieces", 0, 65, 67, 63),
                    linear("many rows", 0, 600, 5, 4), linear("rows for 16 splits", 0, 4096, 5, 3),
                    linear("two blocks of outputs", 2, 5, 20, 13), linear("no row", 0, 0, 6, 3),
                    linear("bank", 3, 33, 35, 7), linear("bank of one", 1, 4, 5, 6),
                    linear("bank, no bias", 4, 1, 64, 8, false), linear("bank, no row", 2, 0, 6, 3)},
          .benchmarks = {linear("lnl-tiny, joint head", 0, batch.tiny, 1088, 7),
                         linear("lnl-tiny, region heads", 16, batch.tiny, 64, 7),
                         linear("lnl-base, joint head", 0, batch.base, 2176, 7),
                         linear("lnl-base, region heads", 16, batch.base, 128, 7)}};
}

TEST_CASE("linear names the shapes that do not fit") {
  engine::Device device;
  Tape tape(device, engine::Mode::evaluate);
  const auto zeros = [&](Shape shape) { return Tensor::zeros(device, engine::DType::f32, shape); };
  CHECK_THROWS_WITH(
      engine::linear(tape, zeros({2, 3}), zeros({4, 5}), {}),
      "/linear: expects x [M, Ci] and weight [Co, Ci], or x [K, M, Ci] and weight [K, Co, Ci], and "
      "got [2, 3] and [4, 5]");
  CHECK_THROWS(engine::linear(tape, zeros({2, 2, 3}), zeros({4, 3}), {}));
  CHECK_THROWS(engine::linear(tape, zeros({2, 2, 3}), zeros({3, 4, 3}), {}));
  CHECK_THROWS_WITH(engine::linear(tape, zeros({2, 3}), zeros({4, 3}), zeros({3})),
                    "/linear: weight [4, 3] needs a bias [4] and got [3]");
  CHECK_THROWS(engine::linear(tape, zeros({2, 2, 3}), zeros({2, 4, 3}), zeros({4})));
}
