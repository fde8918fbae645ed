#include <cmath>
#include <doctest/doctest.h>

#include "engine/ops.h"
#include "tests/harness.h"

using namespace fermion;
using namespace fermion::test;

namespace {

struct Variant {
  std::int64_t K = 0, B = 1, classes = 7;  // K = 0: no leading dimension
  bool distribution = false, class_weights = false, region_weights = false;
  float smoothing = 0;
  double scale = 2;
};

std::vector<Array> reference(const Variant& v, const std::vector<Array>& in) {
  const std::int64_t K = std::max<std::int64_t>(v.K, 1);
  const Array& logits = in[0];
  std::size_t next = 2;
  const Array* a = v.class_weights ? &in[next++] : nullptr;
  const Array* w = v.region_weights ? &in[next] : nullptr;
  double sum = 0, D = 0;
  for (int b = 0; b < v.B; ++b) D += a && !v.distribution ? a->values[static_cast<std::size_t>(in[1](b))] : 1;
  for (int k = 0; k < K; ++k)
    for (int b = 0; b < v.B; ++b) {
      const auto logit = [&](int c) {
        return logits.values[static_cast<std::size_t>((k * v.B + b) * v.classes + c)];
      };
      double largest = -INFINITY, total = 0;
      for (int c = 0; c < v.classes; ++c) largest = std::fmax(largest, logit(c));
      for (int c = 0; c < v.classes; ++c) total += std::exp(logit(c) - largest);
      double entropy = 0;
      for (int c = 0; c < v.classes; ++c) {
        const double t = v.distribution ? in[1](b, c) : in[1](b) == c;
        const double smooth = (1 - static_cast<double>(v.smoothing)) * t +
                              static_cast<double>(v.smoothing) / static_cast<double>(v.classes);
        entropy -= (a ? a->values[static_cast<std::size_t>(c)] : 1) * smooth *
                   (logit(c) - largest - std::log(total));
      }
      sum += (w ? (*w)(b, k) : 1) * entropy;
    }
  Array loss(Shape{});
  loss.values[0] = v.B == 0 ? 0 : sum / (static_cast<double>(K) * D);
  return {loss};
}

OpCase make(const std::string& name, const Variant& v) {
  const Shape shape = v.K > 0 ? Shape{v.K, v.B, v.classes} : Shape{v.B, v.classes};
  std::vector<Input> inputs{tensor("logits", shape, Input::Fill::normal, v.scale)};
  inputs.push_back(v.distribution
                       ? tensor("targets", {v.B, v.classes}, Input::Fill::uniform, 0.3).without_gradient()
                       : integers("targets", {v.B}, static_cast<int>(v.classes)));
  if (v.class_weights)
    inputs.push_back(tensor("class_weights", {v.classes}, Input::Fill::positive).without_gradient());
  if (v.region_weights) inputs.push_back(tensor("w", {v.B, v.K}, Input::Fill::positive));
  const auto op = [v](Tape& tape, const std::vector<Feature>& in) {
    std::size_t next = 2;
    engine::CrossEntropyOptions options{v.smoothing, {}, {}};
    if (v.class_weights) options.class_weights = in[next++].y;
    if (v.region_weights) options.region_weights = in[next].y;
    return std::vector<Tensor>{softmax_cross_entropy(tape, in[0].y, in[1].y, options)};
  };
  return {.name = name,
          .inputs = inputs,
          .op = op,
          .reference = [v](const std::vector<Array>& in) { return reference(v, in); },
          .terms = 4,
          .gradient_terms = 4,
          .bytes = 4.0 * static_cast<double>(shape.size())};
}

}  // namespace

FERMION_CASES(softmax_cross_entropy) {
  return {
      .tests = {make("one sample", {}), make("classes", {.B = 9}),
                make("distribution", {.B = 9, .classes = 8, .distribution = true}),
                make("smoothing", {.B = 5, .smoothing = 0.1f}),
                make("class weights", {.B = 6, .class_weights = true, .smoothing = 0.1f}),
                make("distribution and class weights", {.B = 6, .distribution = true, .class_weights = true}),
                make("regions", {.K = 16, .B = 5, .region_weights = true}),
                make("regions without weights", {.K = 4, .B = 3, .classes = 33, .distribution = true}),
                make("large logits", {.B = 7, .scale = 80}), make("empty", {.B = 0})},
      .benchmarks = {make("regions of lnl-tiny", {.K = 16, .B = 64, .region_weights = true})}};
}

TEST_CASE("softmax_cross_entropy: a label that is no class is an error") {
  engine::Device device;
  Tape tape(device, engine::Mode::train);
  const Tensor logits = Tensor::zeros(device, engine::DType::f32, {1, 7});
  const Tensor label = Tensor::from<std::int32_t>(device, {1}, std::vector<std::int32_t>{7});
  CHECK_THROWS_WITH(engine::softmax_cross_entropy(tape, logits, label, {}),
                    "softmax_cross_entropy: label 7 of sample 0 is none of the 7 classes");
}
