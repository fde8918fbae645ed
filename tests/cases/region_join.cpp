#include <cmath>
#include <doctest/doctest.h>

#include "engine/ops.h"
#include "tests/harness.h"

using namespace fermion;
using namespace fermion::test;

FERMION_CASES(region_join) {
  const auto make = [](const std::string& name, std::int64_t B, std::int64_t K, std::int64_t C,
                       std::int64_t G, bool weighted) {
    std::vector<Input> inputs;
    if (K > 0) inputs.push_back(tensor("f", {K, B, C}));
    if (weighted) inputs.push_back(parameter("w", {B, K}));
    if (G > 0) inputs.push_back(tensor("g", {B, G}));
    const std::size_t at_w = 1, at_g = inputs.size() - 1;
    return OpCase{.name = name,
                  .inputs = inputs,
                  .op =
                      [=](Tape& tape, const std::vector<Feature>& in) {
                        return std::vector<Tensor>{region_join(tape, K > 0 ? in[0].y : Tensor(),
                                                               weighted ? in[at_w].y : Tensor(),
                                                               G > 0 ? in[at_g].y : Tensor())};
                      },
                  .reference =
                      [=](const std::vector<Array>& in) {
                        Array z({B, K * C + G});
                        for (int b = 0; b < B; ++b) {
                          for (int k = 0; k < K; ++k)
                            for (int c = 0; c < C; ++c)
                              z(b, k * C + c) = (weighted ? in[at_w](b, k) : 1) * in[0](k, b, c);
                          for (int c = 0; c < G; ++c) z(b, K * C + c) = in[at_g](b, c);
                        }
                        return std::vector<Array>{z};
                      },
                  .gradient_terms = static_cast<double>(std::max<std::int64_t>(C, 1)),
                  .flops = static_cast<double>(B * K * C),
                  .traffic = {2.0 * static_cast<double>(B * (K * C + G)),
                              weighted ? 4.0 * static_cast<double>(B * K) : 0},
                  .backward_flops = 3.0 * static_cast<double>(B * K * C),
                  .backward_traffic = {static_cast<double>(B * (3 * K * C + 2 * G)),
                                       weighted ? 8.0 * static_cast<double>(B * K) : 0}};
  };
  return {.tests = {make("all three", 3, 4, 5, 7, true), make("one of each", 1, 1, 1, 1, true),
                    make("no weights", 2, 9, 33, 17, false), make("no tail", 5, 4, 16, 0, true),
                    make("only g", 3, 0, 0, 64, false), make("empty", 0, 4, 16, 16, true),
                    make("more vectors than lanes", 2, 3, 24, 264, true)},
          .benchmarks = {make("lnl-tiny", batch.tiny, 16, 64, 64, true),
                         make("lnl-base", batch.base, 16, 128, 128, true)}};
}

TEST_CASE("region_join: weights without f are not read") {
  engine::Device device;
  Tape tape(device, engine::Mode::train);
  const Tensor g = Tensor::from<float>(device, {2, 2}, std::vector<float>{1, 2, 3, 4});
  const Tensor w = Tensor::zeros(device, engine::DType::f32, {2, 3});
  w.want_gradient();
  const Tensor z = engine::region_join(tape, {}, w, g);
  CHECK(z.to_host<float>() == g.to_host<float>());
  CHECK_FALSE(z.wants_gradient());
}

TEST_CASE("region_join refuses what does not fit") {
  engine::Device device;
  Tape tape(device, engine::Mode::train);
  const auto zeros = [&](Shape shape) { return Tensor::zeros(device, engine::DType::f32, shape); };
  CHECK_THROWS_WITH(engine::region_join(tape, {}, zeros({2, 3}), {}),
                    "/region_join: there is nothing to join");
  const std::string fit = "/region_join: f [K, B, C], w [B, K] and g [B, G] do not fit: ";
  CHECK_THROWS_WITH(engine::region_join(tape, zeros({3, 2, 4}), zeros({3, 2}), {}),
                    (fit + "[3, 2, 4], [3, 2], none").c_str());
  CHECK_THROWS_WITH(engine::region_join(tape, zeros({3, 2, 4}), {}, zeros({3, 5})),
                    (fit + "[3, 2, 4], none, [3, 5]").c_str());
  CHECK_THROWS_WITH(engine::region_join(tape, {}, {}, zeros({3, 5, 1})),
                    (fit + "none, none, [3, 5, 1]").c_str());
}
