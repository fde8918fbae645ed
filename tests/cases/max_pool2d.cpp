#include <cmath>
#include <doctest/doctest.h>
#include <numeric>

#include "engine/error.h"
#include "engine/ops.h"
#include "tests/harness.h"
#include "tests/inputs.h"

using namespace fermion;
using namespace fermion::test;

namespace {

std::vector<Array> reference(const std::vector<Array>& in) {
  const Array& x = in[0];
  const std::int64_t H = x.shape[-3], W = x.shape[-2], C = x.shape[-1];
  Shape shape = x.shape;
  shape.set(-3, H / 2);
  shape.set(-2, W / 2);
  Array y(shape);
  const std::int64_t images = x.shape.size() / (H * W * C);
  std::size_t at = 0;
  for (std::int64_t image = 0; image < images; ++image)
    for (std::int64_t i = 0; i < H / 2; ++i)
      for (std::int64_t j = 0; j < W / 2; ++j)
        for (std::int64_t c = 0; c < C; ++c) {
          double largest = -INFINITY;
          for (const std::int64_t h : {2 * i, 2 * i + 1})
            for (const std::int64_t w : {2 * j, 2 * j + 1}) {
              const double v = x(((image * H + h) * W + w) * C + c);
              largest = std::isnan(v) || std::isnan(largest) ? NAN : std::max(largest, v);
            }
          y.values[at++] = largest;
        }
  return {y};
}

// One channel of one row of windows [N = 1, H = 2, W, C = 1]: output and gradient for dy = 1, 2, 3, ...
struct Pooled {
  std::vector<float> y, dx;
};
Pooled pool(std::int64_t W, std::vector<float> values) {
  engine::Device device(tested_device(1));
  const Tensor x = Tensor::from<float>(device, {1, 2, W, 1}, values);
  x.want_gradient();
  Tape tape(device, engine::Mode::train);
  const Tensor y = engine::max_pool2d(tape, x);
  const Tensor loss = Tensor::zeros(device, engine::DType::f32, {});
  tape.op(
      "ramp", {{y}}, {loss}, [](auto, auto) {},
      [=](auto, auto) {
        y.take_gradient<float>();
        std::vector<double> dy(static_cast<std::size_t>(y.size()));
        std::iota(dy.begin(), dy.end(), 1.0);
        write(y.gradient(), dy);
      });
  tape.backward(loss);
  return {y.to_host<float>(), x.gradient().to_host<float>()};
}

}  // namespace

FERMION_CASES(max_pool2d) {
  const auto pool = [&](const std::string& name, Shape shape, bool norm, bool relu = true) {
    return OpCase{.name = name,
                  .inputs = {feature("x", shape, norm, relu)},
                  .op =
                      [](Tape& tape, const std::vector<Feature>& in) {
                        return std::vector<Tensor>{engine::max_pool2d(tape, in[0])};
                      },
                  .reference = reference,
                  .terms = 4,
                  .gradient_terms = static_cast<double>(shape.size() / std::max<std::int64_t>(shape[-1], 1)),
                  .flops = 0.75 * static_cast<double>(shape.size()),
                  .traffic = {1.25 * static_cast<double>(shape.size())},
                  .backward_flops = 1.75 * static_cast<double>(shape.size()),
                  .backward_traffic = {2.25 * static_cast<double>(shape.size())}};
  };
  return {
      .tests = {pool("plain", {2, 6, 4, 8}, false), pool("one window, one channel", {1, 2, 2, 1}, false),
                pool("smallest odd image", {3, 3, 3, 33}, true), pool("odd rows", {2, 5, 6, 35}, true),
                pool("odd columns", {2, 6, 7, 32}, true),
                pool("norm without ReLU", {2, 7, 5, 18}, true, false), pool("bank", {4, 2, 5, 5, 33}, true),
                pool("no images", {0, 4, 4, 8}, true), pool("several chunks", {3, 22, 22, 33}, true)},
      .benchmarks = {pool("lnl-tiny, first level", {batch.tiny, 64, 64, 16}, true),
                     pool("lnl-tiny, region bank", {16, batch.tiny, 16, 16, 32}, true),
                     pool("lnl-base, first level", {batch.base, 112, 112, 32}, true),
                     pool("lnl-base, last level", {batch.base, 14, 14, 256}, true),
                     pool("lnl-base, region bank", {16, batch.base, 28, 28, 64}, true)}};
}

TEST_CASE("max_pool2d: of equal values the first one receives the gradient") {
  const Pooled p = pool(4, {1, 1, 0, 2,  //
                            1, 1, 2, 2});
  CHECK(p.y == std::vector<float>{1, 2});
  CHECK(p.dx == std::vector<float>{1, 0, 0, 2,  //
                                   0, 0, 0, 0});
}

TEST_CASE("max_pool2d: a NaN wins wherever it stands, the first of two") {
  const Pooled p = pool(9, {NAN, 1, 1, NAN, 1, 5, 1, 5, 9,  //
                            2, 3, 5, NAN, NAN, 3, 2, NAN, 9});
  for (const float y : p.y) CHECK(std::isnan(y));
  CHECK(p.dx == std::vector<float>{1, 0, 0, 2, 0, 0, 0, 0, 0,  //
                                   0, 0, 0, 0, 3, 0, 0, 4, 0});
}

TEST_CASE("max_pool2d refuses images without a window") {
  engine::Device device;
  Tape tape(device, engine::Mode::train);
  const Tensor x = Tensor::zeros(device, engine::DType::f32, {3, 1, 8, 4});
  CHECK_THROWS_WITH_AS(
      engine::max_pool2d(tape, x),
      "/max_pool2d: images of 1 x 8 pixels hold no 2x2 window; use larger images or fewer poolings",
      engine::Error);
}
