// One layer of conv2d or linear, ours, with the tensors that its peers read and write.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "benchmarks/peer.h"

namespace fermion::benchmarks {

class ComparedLayer {
 public:
  virtual ~ComparedLayer() = default;

  // Queues ours.
  virtual void run(Direction direction) = 0;
  // What ours and the peers wrote, in the peers' layout.
  virtual std::vector<float> result(Direction direction) const = 0;
  std::vector<float> peer_result(Direction direction) const {
    return of(tensors, direction).floats_to_host();
  }
  double terms(Direction direction) const;  // length of the sum behind one number
  double flops() const;                     // of each direction

  std::string name;
  LayerTensors tensors;
  std::int64_t outputs = 0, inputs = 0, rows = 0;  // weights of one output, of one input; values of a channel
  bool wants_dx = true;                            // images want no gradient

 protected:
  static const engine::Tensor& of(const LayerTensors& tensors, Direction direction) {
    return direction == Direction::forward ? tensors.y
           : direction == Direction::dgrad ? tensors.dx
                                           : tensors.dweight;
  }
};

// The same numbers every time, exact in bf16. Activations are of type `dtype`.
std::unique_ptr<ComparedLayer> compared(engine::Device& device, const std::string& name,
                                        const kernels::Conv2d& dims, engine::DType dtype);
std::unique_ptr<ComparedLayer> compared(engine::Device& device, const std::string& name,
                                        const kernels::Linear& dims, engine::DType dtype);

}  // namespace fermion::benchmarks
