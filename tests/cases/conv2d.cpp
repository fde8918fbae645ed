#include <cmath>
#include <doctest/doctest.h>

#include "engine/ops.h"
#include "tests/conv_layers.h"
#include "tests/harness.h"

using namespace fermion;
using namespace fermion::test;

namespace {

struct Case {
  Shape x;  // [N, H, W, C] or [K, N, H, W, C]
  std::int64_t Co;
  int kernel = 3, stride = 1;
  bool norm_in = false, norm_out = false;
  std::int64_t second = 0;   // channels of a second input
  bool epilogue = false;     // bias and ReLU, as in evaluation
  bool first_layer = false;  // no gradient of x
  bool relu = true;          // in the input's norm
  bool relu_out = true;      // in the output's
  bool skip_gradient = true, weight_gradient = true;
  bool cpu_only = false;
  bool persistent = false;
};

// Shapes lead with K here, 1 where the tensor has none.
Shape with_bank(const Shape& s, int rank) {
  return s.rank() == rank + 1 ? s : rank == 4 ? Shape{1, s[0], s[1], s[2], s[3]} : Shape{1, s[0]};
}

Array convolve(const std::vector<const Array*>& inputs, const Array& weight, const Case& test) {
  const bool bank = test.x.rank() == 5;
  const Shape x = with_bank(test.x, 4);
  const std::int64_t padding = (test.kernel - 1) / 2, Ci = x[4] + test.second;
  const std::int64_t Ho = (x[2] + 2 * padding - test.kernel) / test.stride + 1;
  const std::int64_t Wo = (x[3] + 2 * padding - test.kernel) / test.stride + 1;
  Array y(bank ? Shape{x[0], x[1], Ho, Wo, test.Co} : Shape{x[1], Ho, Wo, test.Co});
  std::size_t at = 0;
  for (std::int64_t k = 0; k < x[0]; ++k)
    for (std::int64_t n = 0; n < x[1]; ++n)
      for (std::int64_t i = 0; i < Ho; ++i)
        for (std::int64_t j = 0; j < Wo; ++j)
          for (std::int64_t co = 0; co < test.Co; ++co, ++at)
            for (std::int64_t a = 0; a < test.kernel; ++a)
              for (std::int64_t b = 0; b < test.kernel; ++b) {
                const std::int64_t h = i * test.stride + a - padding, w = j * test.stride + b - padding;
                if (h < 0 || h >= x[2] || w < 0 || w >= x[3]) continue;
                const std::int64_t pixel = ((k * x[1] + n) * x[2] + h) * x[3] + w;
                const std::int64_t tap = ((k * test.Co + co) * test.kernel + a) * test.kernel + b;
                y.values[at] += dot(inputs[0]->values, pixel * x[4], weight.values, tap * Ci, x[4]);
                if (test.second)
                  y.values[at] += dot(inputs[1]->values, pixel * test.second, weight.values, tap * Ci + x[4],
                                      test.second);
              }
  return y;
}

// BatchNorm over each weight set's pixels, then perhaps ReLU.
void normalise(Array& y, const Array& gain, const Array& shift, bool bank, bool relu) {
  const auto Co = static_cast<std::size_t>(y.shape[-1]), K = static_cast<std::size_t>(bank ? y.shape[0] : 1);
  const std::size_t M = y.values.size() / (K * Co);
  for (std::size_t k = 0; k < K; ++k)
    for (std::size_t c = 0; c < Co; ++c) {
      double mean = 0, variance = 0;
      const auto value = [&](std::size_t m) -> double& { return y.values[(k * M + m) * Co + c]; };
      for (std::size_t m = 0; m < M; ++m) mean += value(m) / static_cast<double>(M);
      for (std::size_t m = 0; m < M; ++m)
        variance += (value(m) - mean) * (value(m) - mean) / static_cast<double>(M);
      for (std::size_t m = 0; m < M; ++m) {
        const double z = (value(m) - mean) / std::sqrt(variance + 1e-5) * gain.values[k * Co + c] +
                         shift.values[k * Co + c];
        value(m) = relu && z < 0 ? 0 : z;
      }
    }
}

OpCase conv(const std::string& name, const Case& test) {
  const bool bank = test.x.rank() == 5;
  const std::int64_t Ci = test.x[-1] + test.second, Co = test.Co, kernel = test.kernel;
  const Shape channels = bank ? Shape{test.x[0], Co} : Shape{Co};
  const Input x = feature("x", test.x, test.norm_in, test.relu);
  Shape second = test.x;
  second.set(-1, test.second);
  const std::size_t inputs = test.second ? 2 : 1;

  OpCase result;
  result.name = name;
  result.inputs.push_back(test.first_layer || test.epilogue ? x.without_gradient() : x);
  if (test.second) result.inputs.push_back(feature("skip", second, test.norm_in, false));
  if (test.second) result.inputs.back().gradient = test.skip_gradient;
  const Shape weights = bank ? Shape{test.x[0], Co, kernel, kernel, Ci} : Shape{Co, kernel, kernel, Ci};
  result.inputs.push_back(parameter("weight", weights));
  result.inputs.back().gradient = test.weight_gradient;
  if (test.norm_out) result.inputs.push_back(parameter("gain", channels));
  if (test.norm_out) result.inputs.push_back(parameter("shift", channels));
  if (test.epilogue) result.inputs.push_back(parameter("bias", channels));
  if (test.epilogue)
    for (Input& input : result.inputs) input.gradient = false;

  // With a norm out, residual_add reads it and the outputs are value(y).
  result.op = [=](Tape& tape, const std::vector<Feature>& in) {
    engine::Conv2dOptions options;
    options.stride = test.stride;
    if (test.norm_out) options.gain = in[inputs + 1].y;
    if (test.norm_out) options.shift = in[inputs + 2].y;
    if (test.epilogue) options.bias = in[inputs + 1].y;
    options.relu = (test.norm_out && test.relu_out) || test.epilogue;
    const std::vector<Feature> features(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(inputs));
    const Feature y = engine::conv2d(tape, features, in[inputs].y, options);
    if (!test.norm_out) return std::vector<Tensor>{y.y};
    const Tensor zero = Tensor::zeros(tape.device(), y.y.dtype(), y.y.shape());
    return std::vector<Tensor>{engine::residual_add(tape, y, zero)};
  };
  result.reference = [=](const std::vector<Array>& in) {
    Array y = convolve({&in[0], &in[inputs - 1]}, in[inputs], test);
    if (test.norm_out) normalise(y, in[inputs + 1], in[inputs + 2], bank, test.relu_out);
    if (test.epilogue)
      for (std::size_t i = 0; i < y.values.size(); ++i) {
        const auto set = static_cast<std::size_t>(bank ? test.x[0] : 1);
        const auto c = static_cast<std::size_t>(Co);
        const double z = y.values[i] + in[inputs + 1].values[i / (y.values.size() / set) * c + i % c];
        y.values[i] = z < 0 ? 0 : z;
      }
    return std::vector<Array>{y};
  };
  const double pixels = static_cast<double>(test.x.size() / test.x[-1]) / (test.stride * test.stride);
  result.cpu_only = test.cpu_only;
  result.persistent = test.persistent;
  result.padded = kernel > 1;
  result.own_bf16 = true;
  // In bf16 the factors are rounded too, which in a sum counts as much as rounding it once more. The output's
  // norm adds the roundings of y and of dy; and y may be rounded across the ReLU's kink.
  result.roundings = !test.norm_out ? 2 : test.relu_out ? 0 : 4;
  result.terms = static_cast<double>(kernel * kernel * Ci);
  result.gradient_terms = std::max(pixels, static_cast<double>(kernel * kernel * Co));
  result.flops = 2 * pixels * static_cast<double>(kernel * kernel * Ci * Co);
  const double x_size = pixels * static_cast<double>(test.stride * test.stride * Ci),
               y_size = pixels * static_cast<double>(Co),
               weight_bytes = 4 * static_cast<double>(weights.size());
  result.traffic = {x_size + y_size, weight_bytes};
  result.backward_flops = (result.inputs[0].gradient ? 2 : 1) * result.flops;
  result.backward_traffic = {(result.inputs[0].gradient ? 2 : 1) * x_size + (test.norm_out ? 2 : 1) * y_size,
                             2 * weight_bytes};
  return result;
}

// The layers of the presets, with norms around them.
std::vector<OpCase> benchmarks(Batches batch) {
  std::vector<OpCase> list;
  for (const ConvLayer& layer : conv_layers(batch)) {
    const kernels::Conv2d& d = layer.dims;
    const bool images = d.Ci() == 3;
    list.push_back(conv(layer.name, {.x = d.K > 1 ? Shape{d.K, d.N, d.H, d.W, d.first_channels}
                                                  : Shape{d.N, d.H, d.W, d.first_channels},
                                     .Co = d.Co,
                                     .kernel = static_cast<int>(d.kernel),
                                     .stride = static_cast<int>(d.stride),
                                     .norm_in = !images,
                                     .norm_out = true,
                                     .second = d.second_channels,
                                     .first_layer = images}));
  }
  return list;
}

}  // namespace

FERMION_CASES(conv2d) {
  return {
      .tests =
          {conv("one pixel", {.x = {1, 1, 1, 1}, .Co = 1}),
           conv("score: one channel out", {.x = {3, 4, 4, 32}, .Co = 1, .kernel = 1}),
           conv("images", {.x = {2, 12, 10, 3}, .Co = 16, .norm_out = true, .first_layer = true}),
           conv("images, gradient wanted", {.x = {2, 12, 10, 3}, .Co = 16}),
           conv("plain", {.x = {2, 7, 9, 16}, .Co = 32}),
           conv("odd channels", {.x = {2, 5, 6, 33}, .Co = 7, .norm_in = true, .norm_out = true}),
           conv("norms", {.x = {4, 8, 8, 32}, .Co = 16, .norm_in = true, .norm_out = true}),
           // On tensor cores: two or four narrow images side by side, weights that stay or do not, tiles of
           // both widths, output channels that do not fill a block's.
           conv("images of 7 pixels", {.x = {3, 7, 7, 16}, .Co = 40, .norm_in = true, .relu_out = false}),
           conv("images of 4 pixels", {.x = {5, 4, 4, 32}, .Co = 24, .norm_in = true, .relu_out = false}),
           conv("many channels", {.x = {1, 3, 6, 96}, .Co = 40, .norm_in = true, .second = 16}),
           conv("bank of regions",
                {.x = {2, 1, 14, 14, 16}, .Co = 8, .norm_in = true, .norm_out = true, .relu_out = false}),
           conv("1x1, many pixels", {.x = {2, 14, 14, 16}, .Co = 40, .kernel = 1, .norm_in = true}),
           // Blocks that make several tiles, one after another: of 32 channels, of 64, with weights that do
           // not stay, of 1x1.
           conv("tile after tile", {.x = {3, 18, 20, 16},
                                    .Co = 32,
                                    .norm_in = true,
                                    .norm_out = true,
                                    .relu_out = false,
                                    .persistent = true}),
           conv("tile after tile, 48 channels", {.x = {2, 18, 20, 16},
                                                 .Co = 48,
                                                 .norm_in = true,
                                                 .norm_out = true,
                                                 .relu_out = false,
                                                 .persistent = true}),
           conv("tile after tile, many channels", {.x = {5, 3, 9, 96},
                                                   .Co = 48,
                                                   .norm_in = true,
                                                   .norm_out = true,
                                                   .second = 16,
                                                   .relu_out = false,
                                                   .persistent = true}),
           conv("tile after tile, 1x1", {.x = {5, 14, 14, 16},
                                         .Co = 48,
                                         .kernel = 1,
                                         .norm_in = true,
                                         .norm_out = true,
                                         .relu_out = false,
                                         .persistent = true}),
           // Of stride 2: tiles with tails, sizes odd and even, two inputs, images side by side, weight sets.
           conv("stride 2, tiles", {.x = {1, 19, 37, 32},
                                    .Co = 48,
                                    .stride = 2,
                                    .norm_in = true,
                                    .norm_out = true,
                                    .relu_out = false}),
           conv("stride 2, tiles of two inputs",
                {.x = {1, 10, 36, 16}, .Co = 16, .stride = 2, .norm_in = true, .second = 48}),
           conv("stride 2, images side by side",
                {.x = {3, 9, 16, 16}, .Co = 24, .stride = 2, .norm_in = true, .relu_out = false}),
           conv("stride 2, bank of regions", {.x = {2, 3, 8, 7, 16},
                                              .Co = 32,
                                              .stride = 2,
                                              .norm_in = true,
                                              .norm_out = true,
                                              .relu_out = false}),
           conv("stride 2, one pixel", {.x = {3, 1, 2, 16}, .Co = 16, .stride = 2}),
           conv("stride 2, tile after tile", {.x = {3, 21, 34, 16},
                                              .Co = 32,
                                              .stride = 2,
                                              .norm_in = true,
                                              .norm_out = true,
                                              .relu_out = false,
                                              .persistent = true}),
           conv("stride 2, tile after tile, many channels", {.x = {5, 8, 10, 80},
                                                             .Co = 128,
                                                             .stride = 2,
                                                             .norm_in = true,
                                                             .norm_out = true,
                                                             .second = 16,
                                                             .relu_out = false,
                                                             .persistent = true}),
           // Images: tiles that hang over on both sides, channels that do not fill a block's, blocks that
           // make several tiles.
           conv("images, 40 channels", {.x = {3, 9, 38, 3}, .Co = 40}),
           conv("images, epilogue", {.x = {2, 5, 18, 3}, .Co = 8, .epilogue = true}),
           conv("images, many blocks",
                {.x = {2, 50, 50, 3}, .Co = 8, .norm_out = true, .first_layer = true, .relu_out = false}),
           conv("images, tile after tile", {.x = {3, 21, 37, 3},
                                            .Co = 40,
                                            .norm_out = true,
                                            .first_layer = true,
                                            .relu_out = false,
                                            .persistent = true}),
           // Many channels by the gradient.
           conv("many channels out", {.x = {2, 3, 6, 48}, .Co = 112, .norm_in = true, .relu_out = false}),
           // For bf16, the norms out without ReLU.
           conv("images, plain norm",
                {.x = {2, 12, 10, 3}, .Co = 16, .norm_out = true, .first_layer = true, .relu_out = false}),
           conv("odd channels, plain norm",
                {.x = {2, 5, 6, 33}, .Co = 7, .norm_in = true, .norm_out = true, .relu_out = false}),
           conv("norms, plain norm",
                {.x = {4, 8, 8, 32}, .Co = 16, .norm_in = true, .norm_out = true, .relu_out = false}),
           conv("stride 2, plain norm", {.x = {3, 7, 7, 16},
                                         .Co = 32,
                                         .stride = 2,
                                         .norm_in = true,
                                         .norm_out = true,
                                         .relu_out = false}),
           conv("two inputs, plain norm", {.x = {2, 8, 8, 16},
                                           .Co = 16,
                                           .norm_in = true,
                                           .norm_out = true,
                                           .second = 32,
                                           .relu_out = false}),
           conv("bank, plain norm",
                {.x = {3, 2, 4, 3, 6}, .Co = 5, .norm_in = true, .norm_out = true, .relu_out = false}),
           conv("several blocks of pixels",
                {.x = {3, 18, 20, 16}, .Co = 16, .norm_in = true, .norm_out = true}),
           conv("stride 2, odd size",
                {.x = {3, 7, 7, 16}, .Co = 32, .stride = 2, .norm_in = true, .norm_out = true}),
           conv("stride 2, even size", {.x = {2, 8, 6, 16}, .Co = 16, .stride = 2, .norm_in = true}),
           conv("1x1", {.x = {2, 6, 6, 32}, .Co = 48, .kernel = 1, .norm_in = true, .norm_out = true}),
           conv("two inputs",
                {.x = {2, 8, 8, 16}, .Co = 16, .norm_in = true, .norm_out = true, .second = 32}),
           conv("two plain inputs, odd channels", {.x = {1, 6, 5, 5}, .Co = 3, .second = 12}),
           conv("two inputs, gradient of the first",
                {.x = {2, 6, 5, 7}, .Co = 4, .norm_in = true, .second = 9, .skip_gradient = false}),
           conv("two inputs, gradient of the second",
                {.x = {2, 6, 5, 7}, .Co = 4, .norm_in = true, .second = 9, .first_layer = true}),
           conv("two inputs, gradient of the weights",
                {.x = {2, 6, 5, 7}, .Co = 4, .second = 9, .first_layer = true, .skip_gradient = false}),
           conv("gradient of the input alone",
                {.x = {2, 6, 5, 16}, .Co = 16, .norm_in = true, .weight_gradient = false}),
           conv("bank", {.x = {4, 3, 5, 5, 16}, .Co = 16, .norm_in = true, .norm_out = true}),
           conv("bank, odd", {.x = {3, 2, 4, 3, 5}, .Co = 6, .norm_out = true}),
           conv("bank of one region", {.x = {1, 2, 6, 6, 16}, .Co = 16}),
           // Prime numbers of images, too large for one call: a call each, and slices of several calls.
           // No ReLU: among so many pixels, some lie at its kink.
           conv("several calls and slices", {.x = {11, 28, 28, 4},
                                             .Co = 60,
                                             .kernel = 1,
                                             .norm_out = true,
                                             .relu_out = false,
                                             .cpu_only = true}),
           conv("several calls and slices of a bank", {.x = {2, 11, 20, 20, 2},
                                                       .Co = 118,
                                                       .kernel = 1,
                                                       .norm_in = true,
                                                       .relu = false,
                                                       .cpu_only = true}),
           conv("epilogue", {.x = {2, 7, 8, 16}, .Co = 32, .epilogue = true}),
           conv("epilogue of a bank", {.x = {3, 2, 5, 5, 16}, .Co = 16, .norm_in = true, .epilogue = true}),
           conv("epilogue, two inputs", {.x = {2, 6, 6, 16}, .Co = 16, .second = 16, .epilogue = true})},
      .benchmarks = benchmarks(batch)};
}

TEST_CASE("conv2d refuses what does not fit, with both shapes") {
  engine::Device device({.threads = 1});
  const auto zeros = [&](Shape shape) { return Tensor::zeros(device, engine::DType::f32, shape); };
  const auto refused = [&](const std::vector<Feature>& x, Shape weight, const std::string& why,
                           const engine::Conv2dOptions& options = {}) {
    Tape tape(device, engine::Mode::train);
    const auto scope = tape.scope("stem");
    CHECK_THROWS_WITH_AS(engine::conv2d(tape, x, zeros(weight), options), ("stem/conv2d: " + why).c_str(),
                         engine::Error);
  };
  const Feature x = zeros({2, 6, 6, 3});
  const Shape fits{8, 3, 3, 3};
  refused({}, fits, "0 inputs instead of one or two");
  refused({x, x, x}, {8, 3, 3, 9}, "3 inputs instead of one or two");
  refused({x}, {8, 3}, "weight [8, 3] of input [2, 6, 6, 3] is not [Co, 3, 3, Ci] or 1 x 1");
  refused({zeros({4, 2, 6, 6, 3})}, fits,
          "weight [8, 3, 3, 3] of input [4, 2, 6, 6, 3] is not per region [Co, 3, 3, Ci] or 1 x 1");
  for (const Shape& weight : {Shape{8, 3, 3, 4}, Shape{8, 3, 1, 3}, Shape{8, 5, 5, 3}})
    refused({x}, weight,
            "weight " + weight.text() +
                " does not fit 3 input channels of [2, 6, 6, 3]; it is [Co, 3, 3, Ci] or 1 x 1");
  refused({x, zeros({2, 5, 6, 3})}, {8, 3, 3, 6},
          "inputs [2, 6, 6, 3] and [2, 5, 6, 3] differ in more than channels");
  refused({zeros({0, 6, 6, 3})}, fits, "input [0, 6, 6, 3] is empty");
  refused({x}, fits, "stride 3 is neither 1 nor 2", {.stride = 3});
  refused({x}, fits, "a norm needs gain and shift", {.gain = zeros({8})});
  refused({x}, fits, "either a norm or a bias",
          {.gain = zeros({8}), .shift = zeros({8}), .bias = zeros({8})});
  refused({x}, fits, "gain, shift or bias [7] does not fit the 8 output channels of weight [8, 3, 3, 3]",
          {.gain = zeros({8}), .shift = zeros({7})});
  refused({zeros({1, 1, 1, 3})}, fits,
          "no statistics of one value per channel; take a larger batch or input than [1, 1, 1, 3]",
          {.gain = zeros({8}), .shift = zeros({8})});
  const Tensor bias = zeros({8});
  bias.want_gradient();
  refused({x}, fits, "bias and ReLU in the epilogue are for evaluation; they have no backward",
          {.bias = bias});
}
