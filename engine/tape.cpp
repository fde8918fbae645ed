#include "engine/tape.h"

#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "kernels/fill.h"

namespace fermion::engine {
namespace {

bool finite(const Tensor& tensor) {
  if (!tensor || (tensor.dtype() != DType::f32 && tensor.dtype() != DType::bf16)) return true;
  const std::vector<float> values = tensor.floats_to_host();
  return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
}

// "f32 [2, 3], u8 [4, 3]"
std::string text(const std::vector<Tensor>& tensors) {
  std::vector<std::string> list;
  for (const Tensor& t : tensors)
    if (t) list.push_back(fmt::format("{} {}", name_of(t.dtype()), t.shape().text()));
  return fmt::format("{}", fmt::join(list, ", "));
}

bool all_of_type(const std::vector<Tensor>& tensors, DType dtype) {
  return std::all_of(tensors.begin(), tensors.end(),
                     [&](const Tensor& t) { return !t || t.dtype() == dtype; });
}

}  // namespace

std::vector<Tensor> Operands::all() const {
  std::vector<Tensor> list;
  for (const std::vector<Tensor>* part : {&activations, &floats, &others})
    list.insert(list.end(), part->begin(), part->end());
  return list;
}

DType Tape::element_type(const std::string& label, const Operands& operands, const Tensor& output) const {
  const auto& x = operands.activations;
  const auto first = std::find_if(x.begin(), x.end(), [](const Tensor& t) { return bool(t); });
  const DType dtype = (first == x.end() ? output : *first).dtype();
  if ((dtype != DType::f32 && dtype != DType::bf16) || !all_of_type(x, dtype) ||
      !all_of_type(operands.floats, DType::f32))
    throw Error(
        "{}: given {}; activations are all f32 or all bf16, parameters, region weights and losses are f32",
        label, text(operands.all()));
  for (const Tensor& t : operands.all())
    if (t && &t.device() != &device_)
      throw Error("{}: {} lies on another device ({}) than the tape's ({}); given {}", label, text({t}),
                  t.device().name(), device_.name(), text(operands.all()));
  return dtype;
}

bool Tape::wanted(const std::vector<Tensor>& inputs) const {
  return mode_ == Mode::train &&
         std::any_of(inputs.begin(), inputs.end(), [](const Tensor& t) { return t.wants_gradient(); });
}

void Tape::check(const std::string& label, const std::vector<Tensor>& tensors) {
  for (const Tensor& tensor : tensors)
    if (!finite(tensor))
      throw Error("{} made a value that is not finite, shape {}", label, tensor.shape().text());
}

void Tape::backward(const Tensor& loss) {
  if (loss.size() != 1) throw Error("backward starts from a scalar, not from {}", loss.shape().text());
  if (!loss.wants_gradient()) throw Error("backward: no parameter that wants a gradient led to this loss");
  const ProfileRange range("backward");
  device_.run("loss/fill", DType::f32,
              [&](auto ctx, auto) { kernels::fill(ctx, 1, 1.0f, loss.take_gradient<float>().data); });
  while (!nodes_.empty()) {
    const Node node = std::move(nodes_.back());
    nodes_.pop_back();
    if (!node.output.gradient()) continue;
    node.backward(device_);
    for (const Tensor& input : node.inputs)
      if (!finite(input.gradient()))
        throw Error("{} backward made a gradient that is not finite, shape {}", node.label,
                    input.shape().text());
  }
}

kernels::RandomSource Tape::random() const {
  if (!randomness_.step) throw Error("{}: a random op needs a tape with a seed and a step", path_);
  return {randomness_.seed, kernels::stream_of(path_.c_str()), randomness_.step.data<std::int32_t>()};
}

}  // namespace fermion::engine
