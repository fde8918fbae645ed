#include <doctest/doctest.h>

#include "engine/ops.h"
#include "tests/harness.h"

using namespace fermion;
using namespace fermion::test;

namespace {

OpCase make(const std::string& name, Shape shape, int G, bool norm) {
  const bool bank = shape.rank() == 5;
  const std::int64_t images = bank ? shape[0] * shape[1] : shape[0];
  const std::int64_t H = shape[-3], W = shape[-2], C = shape[-1], h = H / G, w = W / G;
  Shape pooled = shape;
  pooled.set(-3, G);
  pooled.set(-2, G);
  return {
      .name = name,
      .inputs = {feature("x", shape, norm)},
      .op = [=](Tape& tape,
                const std::vector<Feature>& in) { return std::vector<Tensor>{average_pool(tape, in[0], G)}; },
      .reference =
          [=](const std::vector<Array>& in) {
            Array y(pooled);
            for (std::int64_t m = 0; m < images; ++m)
              for (std::int64_t i = 0; i < H; ++i)
                for (std::int64_t j = 0; j < W; ++j)
                  for (std::int64_t c = 0; c < C; ++c)
                    y.values[static_cast<std::size_t>(((m * G + i / h) * G + j / w) * C + c)] +=
                        in[0].values[static_cast<std::size_t>(((m * H + i) * W + j) * C + c)] /
                        static_cast<double>(h * w);
            return std::vector<Array>{y};
          },
      .terms = static_cast<double>(4 + h * w),
      .gradient_terms = static_cast<double>(images * H * W),
      .flops = (norm ? 5.0 : 1.0) * static_cast<double>(shape.size()),
      .traffic = {static_cast<double>(shape.size() + pooled.size())},
      .backward_flops = (norm ? 7.0 : 1.0) * static_cast<double>(shape.size()),
      .backward_traffic = {static_cast<double>((norm ? 2 : 1) * shape.size() + pooled.size())}};
}

}  // namespace

FERMION_CASES(average_pool) {
  return {.tests = {make("global", {3, 5, 7, 33}, 1, true), make("grid", {2, 8, 12, 16}, 4, true),
                    make("plain", {2, 6, 4, 5}, 2, false), make("bank", {3, 2, 4, 4, 18}, 1, true),
                    make("bank to a grid", {2, 1, 6, 6, 3}, 3, true),
                    make("one pixel", {5, 1, 1, 7}, 1, true), make("empty", {0, 4, 4, 16}, 2, true)},
          .benchmarks = {make("lnl-tiny, region bank", {16, batch.tiny, 4, 4, 64}, 1, true),
                         make("lnl-tiny, non-local part, to the grid", {batch.tiny, 16, 16, 64}, 4, false),
                         make("lnl-base, region bank", {16, batch.base, 7, 7, 128}, 1, true),
                         make("lnl-base, non-local part, to the grid", {batch.base, 28, 28, 128}, 4, false)}};
}

TEST_CASE("average_pool: a grid that does not divide the image is an error") {
  engine::Device device;
  Tape tape(device, engine::Mode::evaluate);
  const auto scope = tape.scope("pool");
  const Tensor x = Tensor::zeros(device, engine::DType::f32, {1, 6, 8, 2});
  CHECK_THROWS_WITH(engine::average_pool(tape, x, 4),
                    "pool/average_pool: a grid of 4 x 4 does not divide images of 6 x 8 pixels");
  CHECK_THROWS_WITH(engine::average_pool(tape, x, 3),
                    "pool/average_pool: a grid of 3 x 3 does not divide images of 6 x 8 pixels");
  CHECK_THROWS_WITH(engine::average_pool(tape, x, 0),
                    "pool/average_pool: a grid of 0 x 0 does not divide images of 6 x 8 pixels");
}
