// A layer's convolution or product in a library of NVIDIA's, beside ours.
#pragma once

#include <memory>
#include <string>

#include "engine/tensor.h"
#include "kernels/conv2d.h"
#include "kernels/linear.h"
#include "kernels/onednn.h"

namespace fermion::benchmarks {

using kernels::Direction;

// What products are made of: f32; f32 of which the tensor cores read the first 11 bits (TF32); bf16. Sums are
// f32.
enum class Arithmetic { f32, tf32, bf16 };

// Of one layer, f32 or bf16 throughout. Activations [K, N, H, W, C] or [K, M, C], weights [K, Co, Kh, Kw, Ci]
// or [K, Co, Ci]. Two inputs of a convolution already lie side by side.
struct LayerTensors {
  engine::Tensor x, weight, dy;   // read
  engine::Tensor y, dx, dweight;  // written: forward, dgrad, wgrad
};

class Peer {
 public:
  virtual ~Peer() = default;
  // Queues one direction on the device's stream. Throws Error where the library cannot.
  virtual void run(Direction direction) = 0;
};

}  // namespace fermion::benchmarks
