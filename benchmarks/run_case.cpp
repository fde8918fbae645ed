#include "benchmarks/run_case.h"

#include "tests/inputs.h"

namespace fermion::benchmarks {
namespace {

using engine::DType;
using engine::ProfileRange;
using engine::Tape;
using engine::Tensor;
using test::OpCase;

double cotangent(std::int64_t i) {
  return 0.1 * static_cast<double>(i % 7 - 2);
}

template <class T>
void start_gradient(const Tensor& output, bool on_host) {
  const auto gradient = output.take_gradient<T>();
  if (!gradient) return;
  if (on_host) {
    for (std::int64_t i = 0; i < output.size(); ++i)
      gradient.data[i] = kernels::from_float<T>(static_cast<float>(cotangent(i)));
    return;
  }
  std::vector<double> values;
  for (std::int64_t i = 0; i < output.size(); ++i) values.push_back(cotangent(i));
  test::write(output.gradient(), values);
}

// A node that hands every output a gradient.
Tensor loss_of(Tape& tape, const std::vector<Tensor>& outputs) {
  const Tensor loss = Tensor::from<float>(tape.device(), {}, std::vector<float>{0.0f});
  tape.op(
      "loss", {.others = outputs}, {loss}, [](auto, auto) {},
      [outputs, on_host = !tape.device().is_cuda()](auto, auto) {
        for (const Tensor& output : outputs)
          output.dtype() == DType::f32 ? start_gradient<float>(output, on_host)
                                       : start_gradient<kernels::bf16>(output, on_host);
      });
  return loss;
}

OpCase find_case(const std::string& op, const std::string& part) {
  std::string names;
  for (const test::Registered& registered : test::registry()) {
    if (registered.op != op) continue;
    for (const OpCase& test : registered.cases({}).benchmarks) {
      if (test.name.find(part) != std::string::npos) return test;
      names += "\n  " + test.name;
    }
  }
  throw engine::Error("no benchmark case of {} has '{}' in its name; there are:{}", op, part, names);
}

}  // namespace

void run_case(engine::Device& device, const OpCase& test, const std::vector<engine::Feature>& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!test.inputs[i].gradient) continue;
    inputs[i].y.want_gradient();
    inputs[i].y.clear_gradient();
    if (inputs[i].has_norm()) inputs[i].statistics.clear_gradient();
  }
  const Tensor step = Tensor::from<std::int32_t>(device, {1}, std::vector<std::int32_t>{3});
  Tape tape(device, engine::Mode::train, {7, step});
  const auto scope = tape.scope("case");
  std::vector<Tensor> outputs;
  {
    const ProfileRange range("forward");
    outputs = test.op(tape, inputs);
  }
  if (!outputs.front().wants_gradient()) return;
  const Tensor loss = loss_of(tape, outputs);
  const ProfileRange range("backward");
  tape.backward(loss);
}

std::string run_once(engine::Device& device, DType dtype, const std::string& op, const std::string& part,
                     const std::string& trace) {
  const OpCase test = find_case(op, part);
  const std::vector<engine::Feature> inputs = test::make_inputs({device, dtype}, test, 1);
  device.set_profiled(true);
  run_case(device, test, inputs);
  device.memory().synchronize();
  if (!trace.empty()) device.trace().enable();
  {
    const engine::ProfiledPart profiled;
    run_case(device, test, inputs);
    device.memory().synchronize();
  }
  if (!trace.empty()) device.trace().write_json(trace);
  return test.name;
}

}  // namespace fermion::benchmarks
