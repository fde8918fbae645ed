#include "kernels/augment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <doctest/doctest.h>
#include <limits>

#include "engine/ops.h"
#include "fer/augment.h"
#include "tests/harness.h"

using namespace fermion;
using namespace fermion::test;
using kernels::AugmentParameters;

namespace {

// Clamped, but a NaN stays.
double clamp(double x, double largest) {
  return x < 0 ? 0 : x > largest ? largest : x;
}

double pixel(const Array& images, std::int64_t n, double x, double y, std::int64_t c) {
  const std::int64_t H = images.shape[1], W = images.shape[2];
  x = clamp(x, static_cast<double>(W - 1));
  y = clamp(y, static_cast<double>(H - 1));
  const auto x0 = static_cast<std::int64_t>(std::isnan(x) ? 0 : x);
  const auto y0 = static_cast<std::int64_t>(std::isnan(y) ? 0 : y);
  const std::int64_t x1 = std::min(x0 + 1, W - 1), y1 = std::min(y0 + 1, H - 1);
  const double fx = x - static_cast<double>(x0), fy = y - static_cast<double>(y0);
  return (1 - fy) * ((1 - fx) * images(n, y0, x0, c) + fx * images(n, y0, x1, c)) +
         fy * ((1 - fx) * images(n, y1, x0, c) + fx * images(n, y1, x1, c));
}

// images, parameters, mean, inv_std.
std::vector<Array> reference(const std::vector<Array>& in) {
  Array out(in[0].shape);
  const Shape shape = in[0].shape;
  const double cx = static_cast<double>(shape[2] - 1) / 2, cy = static_cast<double>(shape[1] - 1) / 2;
  for (std::int64_t n = 0; n < shape[0]; ++n)
    for (std::int64_t h = 0; h < shape[1]; ++h)
      for (std::int64_t w = 0; w < shape[2]; ++w)
        for (std::int64_t c = 0; c < 3; ++c) {
          const auto p = [&](int i) { return in[1](n, i); };
          const double x = static_cast<double>(w), y = static_cast<double>(h);
          const double v = clamp(p(6) * pixel(in[0], n, p(0) * (x - cx) + p(1) * (y - cy) + cx + p(4),
                                              p(2) * (x - cx) + p(3) * (y - cy) + cy + p(5), c),
                                 255);
          const bool erased = p(7) <= y && y < p(9) && p(8) <= x && x < p(10);
          out(n, h, w, c) = erased ? 0 : (v / 255 - in[2](c)) * in[3](c);
        }
  return {out};
}

// Images of one op call, standardised with mean {0.4, 0.5, 0.6} and inv_std {4, 5, 6}.
struct Rig {
  explicit Rig(Shape shape) : bytes(static_cast<std::size_t>(shape.size())) {
    for (std::size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = static_cast<std::uint8_t>(kernels::Random{3, 0, 0}.bits(i));
    images = Tensor::from<std::uint8_t>(device, shape, bytes);
  }

  // The same parameters for every image.
  Tensor rows_of(const AugmentParameters& parameters) {
    const std::int64_t N = images.shape()[0];
    const Tensor rows = Tensor::empty(device, engine::DType::f32, {N, kernels::augment_parameter_count});
    for (std::int64_t n = 0; n < N; ++n) rows.slice(n, n + 1).copy_from(&parameters, sizeof parameters);
    return rows;
  }

  std::vector<float> run(const AugmentParameters& parameters) {
    Tape tape(device, engine::Mode::train);
    return engine::augment(tape, images, rows_of(parameters), means, inv_stds).to_host<float>();
  }

  // By the kernel that writes bf16.
  std::vector<float> run_in_bf16(const AugmentParameters& parameters) {
    const Tensor rows = rows_of(parameters);
    const Tensor out = Tensor::empty(device, engine::DType::bf16, images.shape());
    device.run("augment", out.dtype(), [&]<class T>(auto ctx, engine::Type<T>) {
      if constexpr (std::is_same_v<decltype(ctx), kernels::Cuda>)
        kernels::augment_forward(ctx, {images.shape()[0], images.shape()[1], images.shape()[2]},
                                 images.data<std::uint8_t>(),
                                 reinterpret_cast<const AugmentParameters*>(rows.data<float>()),
                                 means.data<float>(), inv_stds.data<float>(), out.data<T>());
    });
    std::vector<float> values;
    for (const kernels::bf16 value : out.to_host<kernels::bf16>()) values.push_back(kernels::to_float(value));
    return values;
  }

  // Of the source pixel (h, w).
  float plain(std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t c) const {
    const std::int64_t at = ((n * images.shape()[1] + h) * images.shape()[2] + w) * 3 + c;
    return (static_cast<float>(bytes[static_cast<std::size_t>(at)]) / 255.0f - mean[c]) * inv_std[c];
  }

  // Every output is exactly expected(n, h, w, c).
  template <class Expected>
  void check(const AugmentParameters& parameters, Expected expected) {
    const std::vector<float> out = run(parameters);
    std::size_t at = 0, wrong = 0;
    for (std::int64_t n = 0; n < images.shape()[0]; ++n)
      for (std::int64_t h = 0; h < images.shape()[1]; ++h)
        for (std::int64_t w = 0; w < images.shape()[2]; ++w)
          for (std::int64_t c = 0; c < 3; ++c) wrong += out[at++] != expected(n, h, w, c);
    CHECK(wrong == 0);
  }

  static constexpr float mean[] = {0.4f, 0.5f, 0.6f}, inv_std[] = {4, 5, 6};

  engine::Device device{tested_device()};
  std::vector<std::uint8_t> bytes;
  Tensor images;
  Tensor means = Tensor::from<float>(device, {3}, mean), inv_stds = Tensor::from<float>(device, {3}, inv_std);
};

}  // namespace

FERMION_CASES(augment) {
  const auto op = [](Tape& tape, const std::vector<Feature>& in) {
    return std::vector<Tensor>{engine::augment(tape, in[0].y, in[1].y, in[2].y, in[3].y)};
  };
  // Random matrices turn, mirror and shear; most pixels come from between four others or from an edge.
  const auto add = [&](const std::string& name, Shape images) {
    const double size = static_cast<double>(std::max(images[1], images[2]));
    const auto pixels = static_cast<double>(images[0] * images[1] * images[2]);
    return OpCase{
        .name = name,
        .inputs = {tensor("images", images, Input::Fill::bytes).without_gradient(),
                   parameter("parameters", {images[0], kernels::augment_parameter_count}).without_gradient(),
                   parameter("mean", {3}, Input::Fill::positive).without_gradient(),
                   parameter("inv_std", {3}, Input::Fill::positive).without_gradient()},
        .op = op,
        .reference = reference,
        // A coordinate of some `size` pixels is off by eps size, and so is the value, in steps from a pixel
        // to the next.
        .terms = 4 * size * size,
        .roundings = 0,
        .flops = 60 * pixels,
        .traffic = {.other_bytes = (3 + 3 * 4) * pixels}};  // to f32
  };
  // What a training run does to images.
  const auto as_in_training = [&](const std::string& name, Shape images) {
    OpCase made = add(name, images);
    made.inputs[1].change = [images](std::int64_t i, double) {
      const AugmentParameters row =
          fer::draw_augmentation({}, 1, 0, static_cast<std::uint64_t>(i / kernels::augment_parameter_count),
                                 static_cast<int>(images[2]), static_cast<int>(images[1]));
      std::array<float, kernels::augment_parameter_count> numbers;
      std::memcpy(numbers.data(), &row, sizeof row);
      return numbers[static_cast<std::size_t>(i % kernels::augment_parameter_count)];
    };
    return made;
  };
  return {.tests = {add("one pixel", {1, 1, 1, 3}), add("one row", {2, 1, 33, 3}),
                    add("one column", {2, 33, 1, 3}), add("empty", {0, 4, 4, 3}), add("odd", {7, 9, 35, 3}),
                    add("whole vectors", {5, 16, 32, 3})},
          .benchmarks = {as_in_training("lnl-tiny, images", {batch.tiny, 64, 64, 3}),
                         as_in_training("lnl-base, images", {batch.base, 112, 112, 3})}};
}

TEST_CASE("augment: the identity is exactly the standardised image") {
  for (const Shape shape : {Shape{3, 9, 35, 3}, Shape{2, 8, 32, 3}}) {
    Rig rig(shape);
    rig.check({}, [&](auto n, auto h, auto w, auto c) { return rig.plain(n, h, w, c); });
  }
}

TEST_CASE("augment: a mirrored image, a shifted one with its edge repeated, a quarter turn") {
  Rig rig({2, 35, 35, 3});
  rig.check({.xx = -1}, [&](auto n, auto h, auto w, auto c) { return rig.plain(n, h, 34 - w, c); });
  rig.check({.dx = -3, .dy = 2}, [&](auto n, auto h, auto w, auto c) {
    return rig.plain(n, std::min<std::int64_t>(h + 2, 34), std::max<std::int64_t>(w - 3, 0), c);
  });
  rig.check({.xx = 0, .xy = 1, .yx = -1, .yy = 0},
            [&](auto n, auto h, auto w, auto c) { return rig.plain(n, 34 - w, h, c); });
}

TEST_CASE("augment: brightness saturates, and what is erased is the mean") {
  Rig rig({2, 9, 35, 3});
  const float white[] = {(1 - 0.4f) * 4, (1 - 0.5f) * 5, (1 - 0.6f) * 6};
  const std::vector<float> bright = rig.run({.brightness = 300});
  CHECK(*std::max_element(bright.begin(), bright.end()) == white[1]);
  rig.check({.brightness = 0}, [&](auto, auto, auto, auto c) { return (0 - rig.mean[c]) * rig.inv_std[c]; });
  rig.check({.top = 2, .left = 3, .bottom = 8, .right = 30}, [&](auto n, auto h, auto w, auto c) {
    return h >= 2 && h < 8 && w >= 3 && w < 30 ? 0 : rig.plain(n, h, w, c);
  });
}

TEST_CASE("augment on CUDA: bf16 is f32, rounded") {
  Rig rig({3, 9, 35, 3});
  if (!rig.device.is_cuda()) return;
  const std::vector<float> exact = rig.run({.xx = 0.9f, .xy = 0.3f, .yx = -0.2f, .dx = 1.5f});
  const std::vector<float> rounded = rig.run_in_bf16({.xx = 0.9f, .xy = 0.3f, .yx = -0.2f, .dx = 1.5f});
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < exact.size(); ++i)
    wrong += rounded[i] != kernels::to_float(kernels::from_float<kernels::bf16>(exact[i]));
  CHECK(wrong == 0);
}

TEST_CASE("augment: wrong shapes are refused by name") {
  engine::Device device({.threads = 1});
  Tape tape(device, engine::Mode::train);
  const auto f32 = [&](Shape shape) { return Tensor::zeros(device, engine::DType::f32, shape); };
  const auto u8 = [&](Shape shape) { return Tensor::zeros(device, engine::DType::u8, shape); };
  const auto refused = [&](const Tensor& images, const Tensor& rows, const Tensor& mean,
                           const std::string& why) {
    CHECK_THROWS_WITH_AS(engine::augment(tape, images, rows, mean, f32({3})), why.c_str(), engine::Error);
  };
  refused(f32({2, 4, 4, 3}), f32({2, 11}), f32({3}),
          "/augment: images are u8 [N, H, W, 3], not f32 [2, 4, 4, 3]");
  refused(u8({2, 4, 4, 1}), f32({2, 11}), f32({3}),
          "/augment: images are u8 [N, H, W, 3], not u8 [2, 4, 4, 1]");
  refused(u8({2, 4, 4, 3}), f32({1, 11}), f32({3}),
          "/augment: images [2, 4, 4, 3] need parameters [2, 11], not [1, 11]");
  refused(u8({2, 4, 4, 3}), f32({2, 11}), f32({4}), "/augment: mean and inv_std are [3], not [4]");
  const Tensor mean = f32({3});
  mean.want_gradient();
  refused(u8({2, 4, 4, 3}), f32({2, 11}), mean, "/augment: its inputs get no gradient, but one wants it");
}
