#include "tests/run_op.h"

#include <algorithm>

#include "engine/error.h"

namespace fermion::test {
namespace {

using engine::DType;
using engine::Error;

// sum of <dy, output>, as a node of the tape.
Tensor loss_of(Tape& tape, const std::vector<Tensor>& outputs, const Cotangents& dy) {
  Tensor loss = Tensor::empty(tape.device(), DType::f32, {});
  tape.op(
      "loss", {outputs}, {loss}, [&](auto, auto) { *loss.data<float>() = 0; },
      [outputs, dy](auto, auto) {
        for (std::size_t o = 0; o < outputs.size(); ++o) {
          const auto gradient = outputs[o].take_gradient<float>();
          const std::vector<double> r = dy(o, static_cast<std::size_t>(outputs[o].size()));
          for (std::size_t i = 0; gradient && i < r.size(); ++i)
            gradient.data[i] = static_cast<float>(r[i]) +
                               (gradient.write == kernels::Write::accumulate ? gradient.data[i] : 0);
        }
      });
  return loss;
}

void fill_with_ones(const Tensor& gradient) {
  std::fill_n(gradient.data<float>(), gradient.size(), 1.0f);
}

}  // namespace

Cotangents cotangents(std::uint64_t seed) {
  return [seed](std::size_t output, std::size_t size) { return cotangent(output, size, seed); };
}

bool any_gradient(const OpCase& test) {
  return std::any_of(test.inputs.begin(), test.inputs.end(), [](const Input& i) { return i.gradient; });
}

Result run_op(engine::Device& device, const OpCase& test, std::vector<Feature> inputs, const Cotangents& dy,
              bool prefill) {
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (test.inputs[i].gradient) inputs[i].y.want_gradient();
  const Tensor step = Tensor::from<std::int32_t>(device, {1}, std::vector<std::int32_t>{3});
  Tape tape(device, engine::Mode::train, {7, step});
  const auto scope = tape.scope("case");
  const std::vector<Tensor> outputs = test.op(tape, inputs);
  Result result;
  for (const Tensor& output : outputs) result.outputs.push_back(doubles(output));
  if (!any_gradient(test)) return result;
  if (prefill)
    for (const Feature& input : inputs)
      if (input.take_gradient<float>().da) {
        fill_with_ones(input.y.gradient());
        if (input.has_norm()) fill_with_ones(input.statistics.gradient());
      }
  tape.backward(loss_of(tape, outputs, dy));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    result.gradients.emplace_back();
    if (!test.inputs[i].gradient) continue;
    if (!inputs[i].y.gradient()) throw Error("no gradient arrived at input '{}'", test.inputs[i].name);
    result.gradients[i][0] = doubles(inputs[i].y.gradient());
    if (!inputs[i].has_norm()) continue;
    if (!inputs[i].statistics.gradient()) throw Error("no sums arrived at input '{}'", test.inputs[i].name);
    result.gradients[i][1] = doubles(inputs[i].statistics.gradient().slice(0, 1));
    result.gradients[i][2] = doubles(inputs[i].statistics.gradient().slice(1, 2));
  }
  return result;
}

}  // namespace fermion::test
