// The catalogue of ops. Each is engine/ops/NAME.cpp over kernels/NAME.h, which states formula and shapes;
// every op checks its shapes, element types (Operands in tape.h) and devices, runs its forward and leaves its
// backward on the tape.
#pragma once

#include <vector>

#include "engine/feature.h"
#include "engine/tape.h"

namespace fermion::engine {

// A norm out (gain, shift, relu), or in evaluation bias [Co] or [K, Co] and relu in the epilogue, or neither.
struct Conv2dOptions {
  int stride = 1;
  Tensor gain = {}, shift = {};
  Tensor bias = {};
  bool relu = false;
};
// One or two inputs, side by side along the channels; weight [Co, Kh, Kw, Ci] or [K, Co, Kh, Kw, Ci].
Feature conv2d(Tape& tape, const std::vector<Feature>& inputs, const Tensor& weight,
               const Conv2dOptions& options);
Tensor conv_transpose2d(Tape& tape, const Feature& x, const Tensor& weight);  // [Co, 2, 2, Ci]
Tensor max_pool2d(Tape& tape, const Feature& x);
Tensor average_pool(Tape& tape, const Feature& x, int grid);               // [..., grid, grid, C]
Tensor region_split(Tape& tape, const Feature& x, int grid, int overlap);  // [grid^2, N, h, w, C]
Tensor residual_add(Tape& tape, const Feature& a, const Feature& b);
Tensor attention(Tape& tape, const Tensor& qkv);  // [N, H, W, 3d] -> [N, H, W, d]
Tensor linear(Tape& tape, const Tensor& x, const Tensor& weight, const Tensor& bias);  // K leads in the bank
Tensor region_softmax(Tape& tape, const Tensor& scores);                               // f32 [B, K], mean 1
Tensor region_join(Tape& tape, const Tensor& f, const Tensor& w,
                   const Tensor& g);                 // any of them may be undefined
Tensor region_entropy(Tape& tape, const Tensor& w);  // mean over B of sum_k q_k ln q_k

struct CrossEntropyOptions {
  float label_smoothing = 0;
  Tensor class_weights;   // [classes]
  Tensor region_weights;  // [B, K]; logits are then [K, B, classes]
};
// targets: i32 [B] or a distribution f32 [B, classes].
Tensor softmax_cross_entropy(Tape& tape, const Tensor& logits, const Tensor& targets,
                             const CrossEntropyOptions& options);
Tensor weighted_sum(Tape& tape, const std::vector<Tensor>& scalars, const std::vector<float>& weights);
Tensor dropout(Tape& tape, const Tensor& x, float probability);
// u8 [N, H, W, 3] and parameters f32 [N, P] to standardised activations [N, H, W, 3] of type `dtype`, which
// all that is made of them then has.
Tensor augment(Tape& tape, const Tensor& images, const Tensor& parameters, const Tensor& mean,
               const Tensor& inv_std, DType dtype = DType::f32);

}  // namespace fermion::engine
