#include <algorithm>
#include <cmath>
#include <doctest/doctest.h>

#include "engine/ops.h"
#include "tests/harness.h"

using namespace fermion;
using namespace fermion::test;

namespace {

const kernels::Random random_of_cases{7, kernels::stream_of("case"), 3};

// The first number of a case whose word is a probability in f32, times 2^32: there it is the threshold.
std::int64_t on_threshold() {
  for (std::int64_t i = 0;; ++i) {
    const std::uint32_t word = random_of_cases.bits(static_cast<std::uint64_t>(i));
    if (word % 256 == 0 && word > 1u << 30 && word < 1u << 31) return i;
  }
}
float probability(std::int64_t i) {
  return static_cast<float>(random_of_cases.bits(static_cast<std::uint64_t>(i))) * 0x1p-32f;
}

}  // namespace

FERMION_CASES(dropout) {
  const auto make = [](const std::string& name, Shape shape, float p) {
    return OpCase{
        .name = name,
        .inputs = {tensor("x", shape)},
        .op = [p](Tape& tape,
                  const std::vector<Feature>& in) { return std::vector<Tensor>{dropout(tape, in[0].y, p)}; },
        .reference =
            [p](const std::vector<Array>& in) {
              Array y = in[0];
              for (std::size_t i = 0; i < y.values.size(); ++i)
                y.values[i] =
                    random_of_cases.bits(i) >= p * 0x1p32 ? y.values[i] / (1.0 - static_cast<double>(p)) : 0;
              return std::vector<Array>{y};
            },
        .flops = static_cast<double>(shape.size()),
        .traffic = {2.0 * static_cast<double>(shape.size())},
        .backward_flops = static_cast<double>(shape.size()),
        .backward_traffic = {2.0 * static_cast<double>(shape.size())}};
  };
  // Rows that start at an odd address.
  OpCase part = make("a part", {3, 33}, 0.5f);
  part.op = [](Tape& tape, const std::vector<Feature>& in) {
    return std::vector<Tensor>{dropout(tape, in[0].y.slice(1, 3), 0.5f)};
  };
  part.reference = [whole = part.reference](const std::vector<Array>& in) {
    Array rows(Shape{2, 33});
    std::copy(in[0].values.begin() + 33, in[0].values.end(), rows.values.begin());
    return whole({rows});
  };
  return {.tests = {make("half", {3, 33}, 0.5f), make("a tenth", {257}, 0.1f), make("off", {5}, 0),
                    make("several blocks", {3, 1088}, 0.3f), part,
                    make("a word on the threshold", {on_threshold() + 1}, probability(on_threshold())),
                    make("empty", {0, 4}, 0.5f)},
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
