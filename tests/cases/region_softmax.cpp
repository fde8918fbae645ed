#include <cmath>
#include <doctest/doctest.h>

#include "engine/ops.h"
#include "tests/harness.h"

using namespace fermion;
using namespace fermion::test;

FERMION_CASES(region_softmax) {
  const auto make = [](const std::string& name, std::int64_t B, std::int64_t K, double scale,
                       double mean = 0) {
    Input scores = tensor("scores", {B, K}, Input::Fill::normal, scale);
    if (mean != 0) scores.change = [mean](std::int64_t, double x) { return mean + x; };
    return OpCase{.name = name,
                  .inputs = {scores},
                  .op =
                      [](Tape& tape, const std::vector<Feature>& in) {
                        return std::vector<Tensor>{region_softmax(tape, in[0].y)};
                      },
                  .reference =
                      [B, K](const std::vector<Array>& in) {
                        Array w({B, K});
                        for (int b = 0; b < B; ++b) {
                          double largest = in[0](b, 0), sum = 0;
                          for (int k = 0; k < K; ++k) largest = std::fmax(largest, in[0](b, k));
                          for (int k = 0; k < K; ++k) sum += std::exp(in[0](b, k) - largest);
                          for (int k = 0; k < K; ++k)
                            w(b, k) = static_cast<double>(K) * std::exp(in[0](b, k) - largest) / sum;
                        }
                        return std::vector<Array>{w};
                      },
                  .terms = static_cast<double>(K),
                  .gradient_terms = static_cast<double>(K),
                  .flops = 4.0 * static_cast<double>(B * K),
                  .traffic = {static_cast<double>(B * K), 4.0 * static_cast<double>(B * K)},
                  .backward_flops = 4.0 * static_cast<double>(B * K),
                  .backward_traffic = {static_cast<double>(B * K), 8.0 * static_cast<double>(B * K)}};
  };
  return {.tests = {make("one", 1, 3, 1), make("16 regions", 5, 16, 1), make("49 regions", 3, 49, 3),
                    make("large scores", 4, 16, 80), make("scores around -200", 2, 16, 1, -200),
                    make("empty", 0, 16, 1)},
          .benchmarks = {make("lnl-tiny", batch.tiny, 16, 1), make("lnl-base", batch.base, 16, 1)}};
}

TEST_CASE("region_softmax refuses what are no scores, with their shape") {
  engine::Device device({.threads = 1});
  Tape tape(device, engine::Mode::train);
  const auto scope = tape.scope("non_local");
  const auto call = [&](Shape shape) {
    engine::region_softmax(tape, Tensor::zeros(device, engine::DType::f32, shape));
  };
  CHECK_THROWS_WITH_AS(call({2, 4, 4}), "non_local/region_softmax: scores are [B, K], not [2, 4, 4]",
                       engine::Error);
  CHECK_THROWS_WITH_AS(call({16}), "non_local/region_softmax: scores are [B, K], not [16]", engine::Error);
  CHECK_THROWS_WITH_AS(call({2, 0}), "non_local/region_softmax: scores are [B, K], not [2, 0]",
                       engine::Error);
}
