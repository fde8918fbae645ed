#include "tests/run_op.h"

#include <algorithm>

#include "engine/error.h"

namespace fermion::test {
namespace {

using engine::DType;
using engine::Error;

// Writes values to a gradient or adds them to it.
template <class T>
void put(const Tensor& output, const std::vector<double>& values) {
  const auto gradient = output.take_gradient<T>();
  if (!gradient) return;
  std::vector<double> sum = values;
  if (gradient.write == kernels::Write::accumulate) {
    const std::vector<double> before = doubles(output.gradient());
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += before[i];
  }
  write(output.gradient(), sum);
}

// sum of <dy, output>, as a node of the tape.
Tensor loss_of(Tape& tape, const std::vector<Tensor>& outputs, const Cotangents& dy) {
  Tensor loss = Tensor::zeros(tape.device(), DType::f32, {});
  tape.op(
      "loss", {.others = outputs}, {loss}, [](auto, auto) {},
      [outputs, dy](auto, auto) {
        for (std::size_t o = 0; o < outputs.size(); ++o) {
          const std::vector<double> values = dy(o, static_cast<std::size_t>(outputs[o].size()));
          outputs[o].dtype() == DType::f32 ? put<float>(outputs[o], values)
                                           : put<kernels::bf16>(outputs[o], values);
        }
      });
  return loss;
}

void fill_with_ones(const Tensor& gradient) {
  write(gradient, std::vector<double>(static_cast<std::size_t>(gradient.size()), 1.0));
}

bool start_gradient(const Feature& input) {
  return input.y.dtype() == DType::f32 ? bool(input.take_gradient<float>().da)
                                       : bool(input.take_gradient<kernels::bf16>().da);
}

}  // namespace

Cotangents cotangents(std::uint64_t seed) {
  return [seed](std::size_t output, std::size_t size) { return cotangent(output, size, seed); };
}

bool is_small(const OpCase& test, const Result& result) {
  std::size_t numbers = 0;
  for (const std::vector<double>& output : result.outputs) numbers += output.size();
  for (const Input& input : test.inputs) numbers += static_cast<std::size_t>(input.shape.size());
  return numbers <= 30'000;
}

bool any_gradient(const OpCase& test) {
  return std::any_of(test.inputs.begin(), test.inputs.end(), [](const Input& i) { return i.gradient; });
}

Result run_op(const Target& target, const OpCase& test, std::vector<Feature> inputs, const Cotangents& dy,
              bool prefill) {
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (test.inputs[i].gradient) inputs[i].y.want_gradient();
  engine::Device& device = target.device;
  const Tensor step = Tensor::from<std::int32_t>(device, {1}, std::vector<std::int32_t>{3});
  Tape tape(device, engine::Mode::train, {7, step});
  const auto scope = tape.scope("case");
  const std::vector<Tensor> outputs = test.op(tape, inputs);
  Result result;
  for (const Tensor& output : outputs) result.outputs.push_back(doubles(output));
  if (!any_gradient(test)) return result;
  if (prefill)
    for (const Feature& input : inputs)
      if (start_gradient(input)) {
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
