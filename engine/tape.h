// Autograd: an eager tape. Ops run their forward at once and leave their backward here; backward() walks it
// back.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/device.h"
#include "engine/tensor.h"
#include "kernels/rng.h"

namespace fermion::engine {

enum class Mode { train, evaluate };

// Random numbers of stochastic ops: seed, and the step, read from device memory ([1] i32).
struct Randomness {
  std::uint64_t seed = 0;
  Tensor step;
};

// What an op reads; undefined tensors are passed over. The rule of element types: activations, up to the
// logits, and their gradients are of one type, T. Parameters (weights, biases, gains, shifts), statistics,
// region weights and losses, and their gradients, are f32 whatever T is.
struct Operands {
  std::vector<Tensor> activations = {};  // T: f32 or bf16
  std::vector<Tensor> floats = {};       // f32
  std::vector<Tensor> others = {};       // of types of their own: labels, images of bytes

  std::vector<Tensor> all() const;
};

// One forward pass, and in training its backward. In Mode::evaluate nothing is recorded.
class Tape {
 public:
  Tape(Device& device, Mode mode, Randomness randomness = {})
      : device_(device), mode_(mode), randomness_(randomness) {}
  Tape(const Tape&) = delete;

  Device& device() const { return device_; }
  Mode mode() const { return mode_; }

  // Runs forward(context, Type<T>{}) now and, where a gradient is wanted, backward(context, Type<T>{}) on the
  // way back, when the gradient of outputs[0] has arrived. T is the element type of the activations that are
  // read, of outputs[0] where none is. There is no way to record one without the other. Throws when an
  // operand is of another type than Operands says, or on another device.
  template <class Forward, class Backward>
  void op(const char* name, const Operands& operands, const std::vector<Tensor>& outputs, Forward forward,
          Backward backward) {
    const std::string label = this->label(name);
    const DType dtype = element_type(label, operands, outputs.front());
    const std::vector<Tensor> inputs = operands.all();
    device_.run(label, dtype, forward);
    if (check_finite_) check(label, outputs);
    if (observer_) observer_(label, inputs, outputs);
    if (!wanted(inputs)) return;
    for (const Tensor& output : outputs) output.want_gradient();
    nodes_.push_back({label, outputs.front(), check_finite_ ? inputs : std::vector<Tensor>(),
                      [label = label + " backward", dtype, backward = std::move(backward)](Device& device) {
                        device.run(label, dtype, backward);
                      }});
  }

  // Gradients of a scalar loss by everything that wants one. Nodes are freed as the walk passes them.
  void backward(const Tensor& loss);

  // Checks every output and gradient from now on and throws with the name of the op that made the first one
  // that is not finite.
  void check_finite() { check_finite_ = true; }

  // Called after every forward, for tables of the network.
  using Observer = std::function<void(const std::string& label, const std::vector<Tensor>& inputs,
                                      const std::vector<Tensor>& outputs)>;
  void observe(Observer observer) { observer_ = std::move(observer); }

  // The random numbers of the op at the current path.
  kernels::RandomSource random() const;

  // Module path of the ops that run while the scope lives: "unet.enc.0.conv1". Profilers show it around them.
  class Scope {
   public:
    Scope(Tape& tape, std::string path)
        : range_(path), tape_(tape), outer_(std::exchange(tape.path_, std::move(path))) {}
    ~Scope() { tape_.path_ = std::move(outer_); }
    Scope(const Scope&) = delete;

   private:
    ProfileRange range_;
    Tape& tape_;
    std::string outer_;
  };
  Scope scope(std::string path) { return Scope(*this, std::move(path)); }
  const std::string& path() const { return path_; }
  std::string label(const char* op) const { return path_ + "/" + op; }

  // Whether an op that reads these would be recorded.
  bool wanted(const std::vector<Tensor>& inputs) const;

 private:
  struct Node {
    std::string label;
    Tensor output;
    std::vector<Tensor> inputs;  // only while checking
    std::function<void(Device&)> backward;
  };
  // T, once the operands are found to fit.
  DType element_type(const std::string& label, const Operands& operands, const Tensor& output) const;
  static void check(const std::string& label, const std::vector<Tensor>& tensors);

  Device& device_;
  Mode mode_;
  Randomness randomness_;
  std::string path_;
  bool check_finite_ = false;
  Observer observer_;
  std::vector<Node> nodes_;
};

}  // namespace fermion::engine
