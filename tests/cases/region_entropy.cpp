#include <cmath>
#include <doctest/doctest.h>

#include "engine/ops.h"
#include "tests/harness.h"

using namespace fermion;
using namespace fermion::test;

FERMION_CASES(region_entropy) {
  const auto make = [](const std::string& name, std::int64_t B, std::int64_t K) {
    return OpCase{.name = name,
                  .inputs = {parameter("w", {B, K}, Input::Fill::positive)},
                  .op =
                      [](Tape& tape, const std::vector<Feature>& in) {
                        return std::vector<Tensor>{region_entropy(tape, in[0].y)};
                      },
                  .reference =
                      [B, K](const std::vector<Array>& in) {
                        Array y(Shape{});
                        for (const double w : in[0].values) {
                          const double q = w / static_cast<double>(K);
                          y.values[0] += q * std::log(q) / static_cast<double>(B);
                        }
                        return std::vector<Array>{y};
                      },
                  .terms = static_cast<double>(B * K),
                  .roundings = 0,
                  .flops = 3.0 * static_cast<double>(B * K),
                  .traffic = {0, 4.0 * static_cast<double>(B * K)},
                  .backward_flops = 3.0 * static_cast<double>(B * K),
                  .backward_traffic = {0, 8.0 * static_cast<double>(B * K)}};
  };
  return {.tests = {make("one", 1, 1), make("16 regions", 5, 16), make("49 regions", 33, 49)},
          .benchmarks = {make("lnl-tiny", batch.tiny, 16), make("lnl-base", batch.base, 16)}};
}

TEST_CASE("region_entropy: a weight of 0 costs nothing and its gradient is finite") {
  engine::Device device(tested_device());
  const Tensor w = Tensor::from<float>(device, {1, 2}, std::vector<float>{0, 2});
  w.want_gradient();
  Tape tape(device, engine::Mode::train);
  const Tensor y = engine::region_entropy(tape, w);
  CHECK(y.item<float>() == doctest::Approx(0));
  tape.backward(y);
  const std::vector<float> dw = w.gradient().to_host<float>();
  CHECK(dw[0] == doctest::Approx((std::log(1.17549435e-38) + 1) / 2));
  CHECK(dw[1] == 0.5f);
}
