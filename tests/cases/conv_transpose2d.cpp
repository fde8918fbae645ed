#include <algorithm>
#include <doctest/doctest.h>

#include "engine/ops.h"
#include "tests/harness.h"

using namespace fermion;
using namespace fermion::test;

namespace {

OpCase up(const std::string& name, Shape x, std::int64_t Co, bool norm, bool wants_dx = true,
          bool relu = true, bool wants_dw = true, bool cpu_only = false) {
  OpCase test;
  test.cpu_only = cpu_only;
  test.name = name;
  test.inputs = {feature("x", x, norm, relu), parameter("weight", {Co, 2, 2, x[3]})};
  test.inputs[0].gradient = wants_dx;
  test.inputs[1].gradient = wants_dw;
  test.op = [](Tape& tape, const std::vector<Feature>& in) {
    return std::vector<Tensor>{engine::conv_transpose2d(tape, in[0], in[1].y)};
  };
  test.reference = [=](const std::vector<Array>& in) {
    Array y({x[0], 2 * x[1], 2 * x[2], Co});
    for (std::int64_t n = 0; n < x[0]; ++n)
      for (std::int64_t h = 0; h < 2 * x[1]; ++h)
        for (std::int64_t w = 0; w < 2 * x[2]; ++w)
          for (std::int64_t co = 0; co < Co; ++co)
            y(n, h, w, co) = dot(in[0].values, ((n * x[1] + h / 2) * x[2] + w / 2) * x[3], in[1].values,
                                 ((co * 2 + h % 2) * 2 + w % 2) * x[3], x[3]);
    return std::vector<Array>{y};
  };
  const double pixels = static_cast<double>(x.size() / x[3]), channels = static_cast<double>(x[3] * Co);
  test.terms = static_cast<double>(x[3]);
  test.gradient_terms = std::max(pixels, 4.0 * static_cast<double>(Co));
  // In bf16 the factors are rounded too.
  test.roundings = 2;
  test.own_bf16 = true;
  test.flops = 8 * pixels * channels;
  const double moved = static_cast<double>(x.size()) + 4 * pixels * static_cast<double>(Co);
  test.traffic = {moved, 16 * channels};
  test.backward_flops = 2 * test.flops;
  test.backward_traffic = {moved + static_cast<double>(x.size()), 32 * channels};
  return test;
}

OpCase persistent(OpCase test) {
  test.persistent = true;
  return test;
}

}  // namespace

FERMION_CASES(conv_transpose2d) {
  return {.tests = {up("one pixel", {1, 1, 1, 1}, 1, false), up("plain", {2, 4, 3, 32}, 16, false),
                    up("norm", {3, 5, 7, 32}, 16, true), up("odd channels", {2, 3, 4, 33}, 5, true),
                    up("several blocks of pixels", {2, 18, 17, 16}, 16, true),
                    // On tensor cores: tiles of both widths, images side by side in them, channels that do
                    // not fill a block's or a chunk, weights that stay or do not; blocks that make several
                    // tiles, one after another.
                    up("rows of 14 pixels", {2, 14, 7, 48}, 24, true),
                    up("rows of 16 pixels", {1, 5, 16, 16}, 40, true),
                    up("images of 5 by 3 pixels", {3, 5, 3, 144}, 48, true),
                    persistent(up("tile after tile, rows of 14 pixels", {3, 14, 14, 16}, 48, true)),
                    persistent(up("tile after tile, rows of 16 pixels", {1, 12, 24, 32}, 16, true)),
                    persistent(up("tile after tile, many channels", {5, 4, 16, 144}, 48, true)),
                    // More blocks than warps of a block, whose sums are added up. No ReLU: among so many
                    // pixels, some lie at its kink.
                    up("many blocks", {2, 28, 28, 16}, 16, true, true, false),
                    // As in conv2d's cases: a call for each image.
                    up("several calls and slices", {11, 28, 28, 2}, 15, true, true, false, true, true),
                    up("weights only", {2, 4, 4, 16}, 16, true, false),
                    up("input only", {2, 4, 4, 16}, 16, true, true, true, false)},
          .benchmarks = {up("lnl-base, 7 to 14 px", {batch.base, 7, 7, 512}, 256, true),
                         up("lnl-base, 14 to 28 px", {batch.base, 14, 14, 256}, 128, true),
                         up("lnl-base, 28 to 56 px", {batch.base, 28, 28, 128}, 64, true),
                         up("lnl-base, 56 to 112 px", {batch.base, 56, 56, 64}, 32, true),
                         up("lnl-tiny, 8 to 16 px", {batch.tiny, 8, 8, 128}, 64, true),
                         up("lnl-tiny, 16 to 32 px", {batch.tiny, 16, 16, 64}, 32, true),
                         up("lnl-tiny, 32 to 64 px", {batch.tiny, 32, 32, 32}, 16, true)}};
}

TEST_CASE("conv_transpose2d refuses what does not fit, with both shapes") {
  engine::Device device({.threads = 1});
  const auto zeros = [&](Shape shape) { return Tensor::zeros(device, engine::DType::f32, shape); };
  const auto refused = [&](Shape x, Shape weight, const std::string& shapes) {
    Tape tape(device, engine::Mode::train);
    const auto scope = tape.scope("unet.dec.0.up");
    CHECK_THROWS_WITH_AS(
        engine::conv_transpose2d(tape, zeros(x), zeros(weight)),
        ("unet.dec.0.up/conv_transpose2d: input " + shapes + " are not [N, H, W, Ci] and [Co, 2, 2, Ci]")
            .c_str(),
        engine::Error);
  };
  refused({2, 4, 4, 8}, {5, 2, 2, 7}, "[2, 4, 4, 8] and weight [5, 2, 2, 7]");
  refused({2, 4, 4, 8}, {5, 3, 2, 8}, "[2, 4, 4, 8] and weight [5, 3, 2, 8]");
  refused({2, 4, 4, 8}, {5, 2, 3, 8}, "[2, 4, 4, 8] and weight [5, 2, 3, 8]");
  refused({2, 4, 4, 8}, {5, 8}, "[2, 4, 4, 8] and weight [5, 8]");
  refused({3, 2, 4, 4, 8}, {5, 2, 2, 8}, "[3, 2, 4, 4, 8] and weight [5, 2, 2, 8]");
  refused({0, 4, 4, 8}, {5, 2, 2, 8}, "[0, 4, 4, 8] and weight [5, 2, 2, 8]");
}
