#include <algorithm>
#include <cmath>
#include <doctest/doctest.h>

#include "engine/ops.h"
#include "tests/compare.h"
#include "tests/harness.h"
#include "tests/inputs.h"

using namespace fermion;
using namespace fermion::test;

namespace {

// O of position i of image n into o, all positions at once.
void attend(const Array& qkv, std::int64_t n, std::int64_t i, Array& o) {
  const std::int64_t positions = o.shape[1] * o.shape[2], d = o.shape[3], image = n * positions;
  std::vector<double> p(static_cast<std::size_t>(positions));
  double maximum = -INFINITY, sum = 0;
  for (std::int64_t j = 0; j < positions; ++j) {
    const double score = dot(qkv.values, (image + i) * 3 * d, qkv.values, ((image + j) * 3 + 1) * d, d);
    p[static_cast<std::size_t>(j)] = score / std::sqrt(static_cast<double>(d));
    maximum = std::max(maximum, p[static_cast<std::size_t>(j)]);
  }
  for (double& e : p) sum += e = std::exp(e - maximum);
  double* row = o.values.data() + (image + i) * d;
  for (std::int64_t j = 0; j < positions; ++j) {
    const double* g = qkv.values.data() + ((image + j) * 3 + 2) * d;
    for (std::int64_t c = 0; c < d; ++c) row[c] += p[static_cast<std::size_t>(j)] / sum * g[c];
  }
}

std::vector<Array> reference(const std::vector<Array>& in) {
  const Shape& shape = in[0].shape;
  Array o({shape[0], shape[1], shape[2], shape[3] / 3});
  for (std::int64_t n = 0; n < shape[0]; ++n)
    for (std::int64_t i = 0; i < shape[1] * shape[2]; ++i) attend(in[0], n, i, o);
  return {o};
}

// scale: of theta, phi and g; scores have standard deviation scale^2.
OpCase attention(const std::string& name, Shape shape, double scale = 1) {
  const double N = static_cast<double>(shape[0]), positions = static_cast<double>(shape[1] * shape[2]),
               d = static_cast<double>(shape[3] / 3);
  // A score is a sum of d terms, and its error is an error of P; it grows with the score.
  const double terms = (positions + d) * std::max(1.0, std::pow(scale, 4));
  const bool own_bf16 = d == 32 || d == 64 || d == 128;
  return {.name = name,
          .inputs = {tensor("qkv", shape, Input::Fill::normal, scale)},
          .op = [](Tape& tape,
                   const std::vector<Feature>& in) { return std::vector{engine::attention(tape, in[0].y)}; },
          .reference = reference,
          .terms = terms,
          .gradient_terms = terms,
          .cancels = positions == 1,
          // Where one P of a row is nearly 1, dP - D is a small difference of large numbers, and D comes from
          // the rounded O. On tensor cores P and dS are rounded too.
          .roundings = scale > 1  ? 4
                       : own_bf16 ? 2
                                  : 1,
          .own_bf16 = own_bf16,
          .flops = 4 * N * positions * positions * d,
          .traffic = {4 * N * positions * d, 4 * N * positions},
          .backward_flops = 10 * N * positions * positions * d,
          .backward_traffic = {8 * N * positions * d, 4 * N * positions}};
}

// All scores near -25 sqrt(d), where a position that is not there, with a score of 0, would count for all.
OpCase with_negative_scores(OpCase test) {
  Input& qkv = test.inputs[0];
  test.terms = test.gradient_terms *= 625 * static_cast<double>(qkv.shape[3] / 3);
  qkv.change = [d = qkv.shape[3] / 3](std::int64_t i, double x) {
    const std::int64_t part = i / d % 3;
    return part == 0 ? 5 + x / 8 : part == 1 ? -5 - x / 8 : x;
  };
  return test;
}

}  // namespace

FERMION_CASES(attention) {
  return {.tests = {attention("one position, one channel", {2, 1, 1, 3}),
                    attention("no image", {0, 3, 3, 12}),
                    attention("one block", {2, 4, 16, 96}),
                    attention("tails everywhere", {3, 7, 11, 99}),
                    attention("one more than a block", {2, 5, 13, 51}),
                    attention("one image, many parts", {1, 13, 17, 24}),
                    attention("wide", {1, 6, 6, 3 * 128}),
                    attention("wider than a tile", {1, 3, 23, 3 * 260}),
                    attention("wider than a tile, odd", {1, 2, 33, 3 * 131}),
                    attention("one position, 64 channels", {3, 1, 1, 192}),
                    attention("fewer positions than a fragment", {2, 1, 5, 192}),
                    attention("whole tiles, 64 channels", {2, 8, 16, 192}),
                    attention("tails of 16 and less, 64 channels", {2, 13, 13, 192}),
                    attention("tails, 32 channels", {3, 3, 47, 96}),
                    attention("tails, 128 channels", {2, 7, 21, 384}),
                    attention("scores around 80, 64 channels", {1, 9, 17, 192}, 9),
                    with_negative_scores(attention("scores around -200, 64 channels", {1, 5, 7, 192})),
                    attention("non-local block of lnl-tiny", {1, 16, 16, 96}),
                    attention("scores around 80", {2, 9, 9, 48}, 9),
                    attention("no difference between scores", {2, 9, 9, 48}, 1e-3)},
          .benchmarks = {attention("lnl-tiny, non-local block", {batch.tiny, 16, 16, 96}),
                         attention("lnl-base, non-local block", {batch.base, 28, 28, 192}),
                         attention("28 x 28 px, d 32", {batch.base, 28, 28, 96}),
                         attention("28 x 28 px, d 128", {batch.base, 28, 28, 384})}};
}

// theta: its row; phi: every row of the image; g: one channel of every row of the image.
TEST_CASE("attention, a NaN in theta, phi and g") {
  engine::Device device(tested_device());
  constexpr std::int64_t positions = 70, d = 5;
  for (std::int64_t part = 0; part < 3; ++part) {
    CAPTURE(part);
    std::vector<float> qkv(2 * positions * 3 * d);
    for (std::size_t i = 0; i < qkv.size(); ++i) qkv[i] = static_cast<float>(i % 11) / 11;
    qkv[static_cast<std::size_t>((positions + 66) * 3 * d + part * d + 2)] = NAN;
    Tape tape(device, engine::Mode::evaluate);
    const std::vector<float> o =
        engine::attention(tape, Tensor::from<float>(device, {2, 1, positions, 3 * d}, qkv)).to_host<float>();
    for (std::int64_t i = 0; i < 2 * positions; ++i)
      for (std::int64_t c = 0; c < d; ++c) {
        const bool hit = i >= positions && (part == 0 ? i == positions + 66 : part == 1 || c == 2);
        CHECK(std::isnan(o[static_cast<std::size_t>(i * d + c)]) == hit);
      }
  }
}

// Of every position but for the first channel zeros, and there scores of about phi.
void check_scores(engine::DType dtype, std::int64_t d, const std::vector<double>& phi, double tolerance) {
  CAPTURE(d);
  engine::Device device(tested_device());
  const auto positions = static_cast<std::int64_t>(phi.size());
  std::vector<double> qkv;
  for (std::int64_t i = 0; i < positions; ++i) {
    const double x = static_cast<double>(i) / static_cast<double>(positions);
    for (const double first : {1.0 + x, phi[static_cast<std::size_t>(i)], 2.0 - x}) {
      qkv.push_back(first);
      qkv.resize(qkv.size() + static_cast<std::size_t>(d - 1), 0.0);
    }
  }
  const Tensor in = Tensor::empty(device, dtype, {1, 1, positions, 3 * d});
  write(in, qkv);
  Array values(in.shape());
  values.values = doubles(in);
  Tape tape(device, engine::Mode::evaluate);
  CHECK(compare(doubles(engine::attention(tape, in)), reference({values})[0].values,
                {.tolerance = tolerance, .sparse = d > 1}) == "");
}
void check_scores(const std::vector<double>& phi) {
  const bool cuda = tested_device().kind == engine::DeviceOptions::Kind::cuda;
  check_scores(engine::DType::f32, 1, phi, 1e-5);
  for (const std::int64_t d : {32, 64, 128})
    if (cuda) check_scores(engine::DType::bf16, d, phi, 2 * 0x1p-8);
}

// Every block moves the maximum, or none after the first does.
TEST_CASE("attention, maxima that rise and fall from block to block") {
  std::vector<double> phi(300);
  for (std::size_t i = 0; i < phi.size(); ++i) phi[i] = 1000 * static_cast<double>(i) / 300;
  check_scores(phi);
  for (double& x : phi) x = -x;
  check_scores(phi);
}
// Nothing of a row may be left out of its maximum.
TEST_CASE("attention, one score far above the others") {
  for (std::size_t highest = 0; highest < 70; highest += 3) {  // all places in 16
    CAPTURE(highest);
    std::vector<double> phi(70, -1000);
    phi[highest] = 2000;
    check_scores(phi);
  }
}

TEST_CASE("attention refuses channels that are not three times d") {
  engine::Device device;
  Tape tape(device, engine::Mode::evaluate);
  CHECK_THROWS_WITH(engine::attention(tape, Tensor::zeros(device, engine::DType::f32, {1, 2, 2, 4})),
                    "/attention: expects [N, H, W, 3d], theta, phi and g side by side, and got [1, 2, 2, 4]");
  CHECK_THROWS(engine::attention(tape, Tensor::zeros(device, engine::DType::f32, {2, 2, 6})));
  CHECK_THROWS(engine::attention(tape, Tensor::zeros(device, engine::DType::f32, {1, 2, 2, 0})));
}
