#include "fer/step_launches.h"

#include <algorithm>
#include <set>

#include "fer/model.h"
#include "fer/network_input.h"

namespace fermion::fer {
namespace {

using engine::OpCall;
using engine::OperandInfo;
using engine::Shape;

// That the step is watched with, on the CPU: a norm over a single value would refuse.
constexpr std::int64_t images = 2;

// Watches a small step's forward, and says what the batch that is asked for would launch.
class StepWatcher {
 public:
  StepWatcher(const layers::Parameters& parameters, std::int64_t batch, engine::DType dtype,
              int multiprocessors)
      : batch_(batch), dtype_(dtype), multiprocessors_(multiprocessors) {
    for (const layers::Parameter& p : parameters.parameters()) parameters_.insert(p.value.address());
  }

  void forward(const std::string& label, const std::vector<Tensor>& inputs,
               const std::vector<Tensor>& outputs) {
    calls_.push_back({label, inputs, outputs.front()});
    const Call& call = calls_.back();
    // A convolution's inputs end in weight, gain, shift and bias.
    if (op_of(label) == "conv2d" && inputs[inputs.size() - 3]) with_norm_.insert(call.output.address());
    launch(call, false);
  }

  // As Tape::backward() walks.
  void backward(const Tensor& loss) {
    add("loss/fill", loss.shape(), launches_of(OpCall{.op = "fill", .dtype = dtype_}));
    arrived_.insert(loss.address());
    for (auto call = calls_.rbegin(); call != calls_.rend(); ++call) {
      if (!arrived_.count(call->output.address())) continue;
      launch(*call, true);
      for (const Tensor& input : call->inputs)
        if (input.wants_gradient() && !parameters_.count(input.address())) arrived_.insert(input.address());
    }
  }

  void add(const std::string& label, const Shape& output, const std::vector<engine::Launch>& launches) {
    for (const engine::Launch& launch : launches)
      list.push_back({label, output, launch, &launch == &launches.front()});
  }

  std::vector<StepLaunch> list;

 private:
  struct Call {
    std::string label;
    std::vector<Tensor> inputs;
    Tensor output;
  };

  static std::string op_of(const std::string& label) { return label.substr(label.rfind('/') + 1); }

  // With the batch in place of the images. It leads, or comes after the regions of [K, N, H, W, C] and
  // [K, N, C].
  Shape with_batch(const Tensor& tensor) const {
    Shape shape = tensor.shape();
    if (shape.rank() < 2 || parameters_.count(tensor.address())) return shape;
    const int at = shape.rank() % 2;
    if (shape[at] != images) throw engine::Error("{} has no batch of {} images", shape.text(), images);
    shape.set(at, batch_);
    return shape;
  }

  OperandInfo info(const Tensor& tensor) const {
    if (!tensor) return {.defined = false};
    return {.shape = with_batch(tensor),
            .norm = with_norm_.count(tensor.address()) > 0,
            .wanted = tensor.wants_gradient(),
            .arrived = arrived_.count(tensor.address()) > 0};
  }

  void launch(const Call& call, bool backward) {
    OpCall shapes{.op = op_of(call.label),
                  .backward = backward,
                  .dtype = dtype_,
                  .output = info(call.output),
                  .multiprocessors = multiprocessors_};
    for (const Tensor& input : call.inputs) shapes.inputs.push_back(info(input));
    add(call.label + (backward ? " backward" : ""), shapes.output.shape, launches_of(shapes));
  }

  std::int64_t batch_;
  engine::DType dtype_;
  int multiprocessors_;
  std::vector<Call> calls_;  // they keep the tensors, so that addresses stay theirs
  std::set<const void*> parameters_, with_norm_, arrived_;  // tensors; the last, whose gradient has arrived
};

Tensor blank_faces(engine::Tape& tape, const ModelConfig& config) {
  NetworkInput input(tape.device(), {.size = config.size}, images);
  const std::vector<std::uint8_t> faces(static_cast<std::size_t>(images * config.size * config.size * 3));
  input.write(faces, std::vector<kernels::AugmentParameters>(images));
  return input.standardised(tape);
}

}  // namespace

std::vector<StepLaunch> step_launches(const TrainConfig& config, engine::DType dtype, int multiprocessors) {
  engine::Device device;
  layers::Parameters parameters(device, 0);
  Model model(parameters, config.model);
  StepWatcher watcher(parameters, config.batch, dtype, multiprocessors);
  engine::Tape tape(device, engine::Mode::train, {0, Tensor::zeros(device, engine::DType::i32, {1})});
  tape.observe([&](const std::string& label, const std::vector<Tensor>& inputs,
                   const std::vector<Tensor>& outputs) { watcher.forward(label, inputs, outputs); });
  const Tensor targets = Tensor::zeros(device, engine::DType::f32, {images, config.model.classes});
  watcher.backward(loss(tape, model.forward(tape, blank_faces(tape, config.model)), targets, {}).total);

  std::int64_t channels = 0;
  for (const layers::RunningStatistics& norm : parameters.running()) channels += norm.mean.size();
  const bool adamw = config.optimizer != "sgd";
  watcher.add(adamw ? "optimizer/adamw" : "optimizer/sgd", Shape{parameters.count()},
              engine::optimizer_launches(adamw, parameters.count(), channels));
  return std::move(watcher.list);
}

Floor floor_of(const engine::Launch& launch, engine::DType dtype, const Chip& chip) {
  const double memory = launch.work.bytes(engine::size_of(dtype)) / chip.bytes_per_second,
               products = launch.work.flops / (launch.tensor_cores ? chip.tensor_flops : chip.f32_flops);
  return {std::max(memory, products), memory >= products};
}

double fill_of(const std::vector<StepLaunch>& launches) {
  double filled = 0, all = 0;
  for (const StepLaunch& row : launches) {
    if (row.launch.fill == 0) continue;
    filled += row.launch.work.flops * row.launch.fill;
    all += row.launch.work.flops;
  }
  return all > 0 ? filled / all : 0;
}

}  // namespace fermion::fer
