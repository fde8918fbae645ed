// The tensors of a model by module path: parameters that the optimiser moves, and the running statistics of
// its norms.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "engine/tensor.h"

namespace fermion::layers {

using engine::Shape;
using engine::Tensor;

// How a parameter starts; fan_in is counted by the layer. Elements come from Philox, stream of the name.
enum class Init {
  he_normal,  // sqrt(2 / fan_in) normal: before a ReLU
  uniform,    // U(-1, 1) / sqrt(fan_in)
  zero,
  one
};

struct Parameter {
  std::string name;
  Tensor value;
  bool decay;  // weights decay; gains, shifts and biases do not
};

// BatchNorm's state: [K, C] each. `batch` is the norm of the last training batch, [2, K, C] (mean, inv_std)
// over `count` values a channel; the optimiser's step moves mean and var towards it.
struct RunningStatistics {
  std::string name;
  Tensor mean, var;
  Tensor batch;
  std::int64_t count = 0;
};

class Parameters {
 public:
  Parameters(engine::Device& device, std::uint64_t seed) : device_(device), seed_(seed) {}
  Parameters(const Parameters&) = delete;

  engine::Device& device() const { return device_; }

  Tensor add(const std::string& name, Shape shape, Init init, std::int64_t fan_in, bool decay);
  // The reference stays valid.
  RunningStatistics& add_running(const std::string& name, Shape channels);

  const std::deque<Parameter>& parameters() const { return parameters_; }
  std::deque<RunningStatistics>& running() { return running_; }
  const std::deque<RunningStatistics>& running() const { return running_; }

  // Goes up whenever values change: what is derived from them (folded norms) is then stale.
  std::int64_t version() const { return version_; }
  void changed() { ++version_; }

  std::int64_t count() const;  // numbers in all parameters

 private:
  engine::Device& device_;
  std::uint64_t seed_;
  std::deque<Parameter> parameters_;
  std::deque<RunningStatistics> running_;
  std::int64_t version_ = 0;
};

}  // namespace fermion::layers
