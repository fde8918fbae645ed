// cuDNN's convolutions, each by the algorithm that it measures to be the fastest: the peer of conv2d.
#pragma once

#include "benchmarks/peer.h"

namespace fermion::benchmarks {

// The library, on the stream of `device`. Throws Error where it is not here or does not start: it needs a
// driver.
class Cudnn {
 public:
  explicit Cudnn(engine::Device& device);
  ~Cudnn();
  Cudnn(const Cudnn&) = delete;

  std::string version() const;
  // The weight sets of a bank are convolved one after the other.
  std::unique_ptr<Peer> peer(const kernels::Conv2d& dims, Arithmetic arithmetic, const LayerTensors& tensors);

 private:
  struct Library;
  std::unique_ptr<Library> library_;
};

}  // namespace fermion::benchmarks
