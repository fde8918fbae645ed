#include <doctest/doctest.h>

#include "engine/ops.h"
#include "tests/conv2d_case.h"
#include "tests/conv_layers.h"
#include "tests/harness.h"

using namespace fermion;
using namespace fermion::test;

namespace {

// The layers of the presets, with norms around them.
std::vector<OpCase> benchmarks(Batches batch) {
  std::vector<OpCase> list;
  for (const ConvLayer& layer : conv_layers(batch)) {
    const kernels::Conv2d& d = layer.dims;
    const bool images = d.Ci() == 3;
    list.push_back(conv2d_case(layer.name, {.x = d.K > 1 ? Shape{d.K, d.N, d.H, d.W, d.first_channels}
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

// One feature as both inputs.
OpCase twice(const std::string& name, Conv2dCase test) {
  test.second = test.x[-1];
  const OpCase two = conv2d_case(name, test);
  OpCase one = two;
  one.inputs.erase(one.inputs.begin() + 1);
  const auto doubled = [](const auto& in) {
    auto all = in;
    all.insert(all.begin(), in[0]);
    return all;
  };
  one.op = [=](Tape& tape, const std::vector<Feature>& in) { return two.op(tape, doubled(in)); };
  one.reference = [=](const std::vector<Array>& in) { return two.reference(doubled(in)); };
  one.gradient_terms *= 2;
  one.roundings = 4;
  return one;
}

}  // namespace

FERMION_CASES(conv2d) {
  const auto conv = conv2d_case;
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
           twice("one feature twice", {.x = {2, 5, 6, 16}, .Co = 16, .norm_in = true, .relu = false}),
           twice("one feature twice, 64 channels",
                 {.x = {2, 5, 6, 64}, .Co = 16, .norm_in = true, .relu = false}),
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
           // Blocks that share tiles, and the channels that those are summed over: with a norm out, more than
           // a block's, of 1x1.
           conv("depth in parts", {.x = {5, 3, 14, 32},
                                   .Co = 48,
                                   .norm_in = true,
                                   .norm_out = true,
                                   .second = 32,
                                   .relu_out = false}),
           conv("parts of several steps, tiles of 14", {.x = {1, 7, 7, 304}, .Co = 48, .norm_in = true}),
           conv("depth in parts, bank",
                {.x = {2, 1, 7, 7, 48}, .Co = 80, .norm_in = true, .norm_out = true, .relu_out = false}),
           conv("depth in parts, 1x1", {.x = {1, 10, 14, 144}, .Co = 72, .kernel = 1, .norm_in = true}),
           conv("depth in parts, 1x1, tiles of 14",
                {.x = {1, 8, 14, 144}, .Co = 80, .kernel = 1, .norm_in = true}),
           conv("depth in parts, stride 2", {.x = {1, 9, 8, 64}, .Co = 64, .stride = 2, .norm_in = true}),
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
           conv("images, two weight sets", {.x = {2, 1, 5, 18, 3}, .Co = 8}),
           // Whose pixels are split, into other numbers of parts than there are sets.
           conv("images, three weight sets", {.x = {3, 9, 2, 3, 3}, .Co = 8, .first_layer = true}),
           conv("images, epilogue", {.x = {2, 5, 18, 3}, .Co = 8, .epilogue = true}),
           conv("images, many blocks",
                {.x = {2, 50, 50, 3}, .Co = 8, .norm_out = true, .first_layer = true, .relu_out = false}),
           conv("images, tile after tile", {.x = {3, 21, 37, 3},
                                            .Co = 40,
                                            .norm_out = true,
                                            .first_layer = true,
                                            .relu_out = false,
                                            .persistent = true}),
           // Statistics of several blocks for each weight set.
           conv("many pixels of two weight sets",
                {.x = {2, 1, 32, 33, 1}, .Co = 32, .kernel = 1, .norm_out = true, .relu_out = false}),
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
