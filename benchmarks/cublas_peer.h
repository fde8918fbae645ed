// cuBLAS's matrix products: the peer of linear, and of convolutions of one pixel.
#pragma once

#include "benchmarks/peer.h"

namespace fermion::benchmarks {

// The library, on the stream of `device`. Throws Error where it is not here or does not start: it needs a
// driver.
class Cublas {
 public:
  explicit Cublas(engine::Device& device);
  ~Cublas();
  Cublas(const Cublas&) = delete;

  std::string version() const;
  std::unique_ptr<Peer> peer(const kernels::Linear& dims, Arithmetic arithmetic, const LayerTensors& tensors);

 private:
  struct Library;
  std::unique_ptr<Library> library_;
};

}  // namespace fermion::benchmarks
