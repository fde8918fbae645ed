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
  double scale = 2, mean = 0;  // of the logits
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
  if (v.mean != 0) inputs[0].change = [mean = v.mean](std::int64_t, double x) { return mean + x; };
  inputs.push_back(v.distribution
                       ? parameter("targets", {v.B, v.classes}, Input::Fill::uniform, 0.3).without_gradient()
                       : integers("targets", {v.B}, static_cast<int>(v.classes)));
  if (v.class_weights)
    inputs.push_back(parameter("class_weights", {v.classes}, Input::Fill::positive).without_gradient());
  if (v.region_weights) inputs.push_back(parameter("w", {v.B, v.K}, Input::Fill::positive));
  const auto op = [v](Tape& tape, const std::vector<Feature>& in) {
    std::size_t next = 2;
    engine::CrossEntropyOptions options{v.smoothing, {}, {}};
    if (v.class_weights) options.class_weights = in[next++].y;
    if (v.region_weights) options.region_weights = in[next].y;
    return std::vector<Tensor>{softmax_cross_entropy(tape, in[0].y, in[1].y, options)};
  };
  const double weight_bytes = v.region_weights ? 4.0 * static_cast<double>(v.B * v.K) : 0;
  const double other_bytes = 4.0 * static_cast<double>(v.B * (v.distribution ? v.classes : 1)) + weight_bytes;
  return {.name = name,
          .inputs = inputs,
          .op = op,
          .reference = [v](const std::vector<Array>& in) { return reference(v, in); },
          .terms = 4,
          .gradient_terms = 4,
          .flops = 6.0 * static_cast<double>(shape.size()),
          .traffic = {static_cast<double>(shape.size()), other_bytes},
          .backward_flops = 6.0 * static_cast<double>(shape.size()),
          .backward_traffic = {2.0 * static_cast<double>(shape.size()), other_bytes + weight_bytes}};
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
                make("large logits", {.B = 7, .scale = 1000}),
                make("logits around -200", {.K = 2, .B = 3, .region_weights = true, .mean = -200}),
                make("many rows", {.K = 9, .B = 33, .region_weights = true}),
                make("many class weights", {.B = 300, .classes = 3, .class_weights = true}),
                make("empty", {.B = 0})},
      .benchmarks = {
          make("lnl-tiny, regions", {.K = 16, .B = batch.tiny, .distribution = true, .region_weights = true}),
          make("lnl-base, regions",
               {.K = 16, .B = batch.base, .distribution = true, .region_weights = true})}};
}

namespace {

const std::vector<float> four_classes{1.5f, -0.5f, 0.25f, 2, -1, 0.75f, 3, -2.5f, 0.5f, 0.125f, -0.75f, 1};

Tensor floats(engine::Device& device, Shape shape, const std::vector<float>& values) {
  return Tensor::from<float>(device, shape, values);
}
Tensor labels(engine::Device& device, const std::vector<std::int32_t>& values) {
  return Tensor::from<std::int32_t>(device, {static_cast<std::int64_t>(values.size())}, values);
}

}  // namespace

// Figures of PyTorch 2.15 in float64.
TEST_CASE("softmax_cross_entropy is torch.nn.CrossEntropyLoss") {
  struct Row {
    bool distribution, class_weights;
    float smoothing;
    double loss, first, sixth;  // the loss and two numbers of its gradient
  };
  const Row rows[] = {
      {false, false, 0, 2.426433103, 0.108557783, 0.031151821},
      {false, false, 0.125f, 2.391276853, 0.098141117, 0.020735155},
      {false, true, 0, 2.584319063, 0.217115566, 0.020767881},
      {false, true, 0.125f, 2.634536431, 0.202255450, -0.004089414},
      {true, false, 0, 1.900391436, -0.058108883, -0.302181512},
      {true, false, 0.125f, 1.930990395, -0.047692217, -0.270931512},
      {true, true, 0, 3.005736007, 0.038794173, -0.604363024},
      {true, true, 0.125f, 2.909961945, 0.043154398, -0.545513628},
  };
  engine::Device device(tested_device());
  for (const Row& row : rows) {
    CAPTURE(row.distribution);
    CAPTURE(row.class_weights);
    CAPTURE(row.smoothing);
    const Tensor logits = floats(device, {3, 4}, four_classes);
    logits.want_gradient();
    const Tensor targets =
        row.distribution
            ? floats(device, {3, 4}, {0.5f, 0.25f, 0.25f, 0, 0, 1, 0, 0, 0.125f, 0.125f, 0.25f, 0.5f})
            : labels(device, {2, 0, 3});
    engine::CrossEntropyOptions options{row.smoothing, {}, {}};
    if (row.class_weights) options.class_weights = floats(device, {4}, {0.5f, 2, 1.5f, 0.25f});
    Tape tape(device, engine::Mode::train);
    const Tensor loss = engine::softmax_cross_entropy(tape, logits, targets, options);
    tape.backward(loss);
    CHECK(loss.item<float>() == doctest::Approx(row.loss).epsilon(1e-6));
    const std::vector<float> gradient = logits.gradient().to_host<float>();
    CHECK(gradient[0] == doctest::Approx(row.first).epsilon(1e-5));
    CHECK(gradient[5] == doctest::Approx(row.sixth).epsilon(1e-5));
  }
}

TEST_CASE("softmax_cross_entropy: an impossible class that is not the target costs nothing") {
  engine::Device device(tested_device());
  Tape tape(device, engine::Mode::train);
  const Tensor logits = floats(device, {1, 3}, {1, -INFINITY, 1});
  logits.want_gradient();
  const Tensor loss = engine::softmax_cross_entropy(tape, logits, labels(device, {2}), {});
  tape.backward(loss);
  CHECK(loss.item<float>() == doctest::Approx(std::log(2.0)));
  CHECK(logits.gradient().to_host<float>() == std::vector<float>{0.5f, 0, -0.5f});
}

TEST_CASE("softmax_cross_entropy on CUDA: a label outside the classes makes the loss NaN") {
  engine::Device device(tested_device());
  if (!device.is_cuda()) return;
  const Tensor weights = floats(device, {4}, {0.5f, 2, 1.5f, 0.25f});
  for (const std::int32_t label : {-1, 4, 1 << 30})
    for (const Tensor& class_weights : {Tensor(), weights}) {
      CAPTURE(label);
      Tape tape(device, engine::Mode::train);
      const Tensor logits = floats(device, {3, 4}, four_classes), targets = labels(device, {0, label, 1});
      logits.want_gradient();
      const Tensor loss = engine::softmax_cross_entropy(tape, logits, targets, {0, class_weights, {}});
      tape.backward(loss);
      CHECK(std::isnan(loss.item<float>()));
      CHECK(std::isnan(logits.gradient().to_host<float>()[4]));
    }
}

TEST_CASE("softmax_cross_entropy refuses what does not fit") {
  engine::Device device;
  Tape tape(device, engine::Mode::train);
  const auto scope = tape.scope("loss");
  const Tensor logits = floats(device, {3, 4}, four_classes), some = labels(device, {0, 1, 2});
  const auto loss = [&](const Tensor& targets, engine::CrossEntropyOptions options = {}) {
    return engine::softmax_cross_entropy(tape, logits, targets, options);
  };
  CHECK_THROWS_WITH(
      loss(labels(device, {0, 4, 1})),
      "loss/softmax_cross_entropy: label 4 of sample 1 is none of the 4 classes of logits [3, 4]");
  CHECK_THROWS_WITH(
      loss(labels(device, {0, 3, -1})),
      "loss/softmax_cross_entropy: label -1 of sample 2 is none of the 4 classes of logits [3, 4]");
  CHECK_THROWS_WITH(
      engine::softmax_cross_entropy(tape, logits.reshape({2, 3, 2}), labels(device, {0, 1, 2}), {}),
      "loss/softmax_cross_entropy: label 2 of sample 2 is none of the 2 classes of logits [2, 3, 2]");
  CHECK_THROWS_WITH(loss(labels(device, {0, 1})),
                    "loss/softmax_cross_entropy: targets i32 [2] do not fit logits [3, 4]");
  CHECK_THROWS_WITH(loss(logits.reshape({4, 3})),
                    "loss/softmax_cross_entropy: targets f32 [4, 3] do not fit logits [3, 4]");
  CHECK_THROWS_WITH(loss(some, {0, floats(device, {3}, {1, 1, 1}), {}}),
                    "loss/softmax_cross_entropy: class weights [3] for 4 classes");
  CHECK_THROWS_WITH(loss(some, {0, {}, floats(device, {3, 3}, std::vector<float>(9, 1))}),
                    "loss/softmax_cross_entropy: region weights [3, 3] do not fit logits [3, 4]");
  CHECK_THROWS_WITH(loss(some, {1.5f, {}, {}}),
                    "loss/softmax_cross_entropy: label smoothing 1.5 is not in [0, 1]");
  CHECK_THROWS_WITH(engine::softmax_cross_entropy(tape, floats(device, {3, 0}, {}), some, {}),
                    "loss/softmax_cross_entropy: logits are [B, classes] or [K, B, classes], not [3, 0]");
  const Tensor wanting = floats(device, {3, 4}, std::vector<float>(12, 0.25f));
  wanting.want_gradient();
  CHECK_THROWS_WITH(
      loss(wanting),
      "loss/softmax_cross_entropy: targets and class weights get no gradient, but one wants it");
}
