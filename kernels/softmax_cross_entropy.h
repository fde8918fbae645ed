// Softmax and cross entropy in one op: the probabilities reach no memory.
//
//   t'_bc  = (1 - e) t_bc + e / classes                   label smoothing e (Szegedy et al. 2016)
//   CE_kb  = -sum_c a_c t'_bc ln softmax(l_kb)_c          a: class weights, or 1
//   loss   = (1 / (K D)) sum_kb w_bk CE_kb                w: region weights, or 1
//
// A class with t' = 0 costs nothing, even where its probability is 0. D is the batch size B, or, with class
// weights and class targets, sum_b a_(t_b): as torch.nn.CrossEntropyLoss defines both. Backward:
//
//   dl_kbc = dloss w_bk / (K D) (softmax(l_kb)_c sum_i a_i t'_bi - a_c t'_bc)
//   dw_bk  = dloss CE_kb / (K D)
#pragma once

#include "kernels/context.h"

namespace fermion::kernels {

struct CrossEntropy {
  std::int64_t K = 1, B = 0, classes = 0;
  float label_smoothing = 0;
  // One of the two: class indices [B] or distributions [B, classes].
  const std::int32_t* labels = nullptr;
  const float* distribution = nullptr;
  const float* class_weights = nullptr;   // [classes] or null
  const float* region_weights = nullptr;  // [B, K] or null
};

// logits: [K, B, classes]; loss: one number, 0 for B = 0. Throws std::invalid_argument for a label outside
// the classes.
void softmax_cross_entropy_forward(Cpu ctx, const CrossEntropy& x, const float* logits, float* loss);
void softmax_cross_entropy_backward(Cpu ctx, const CrossEntropy& x, const float* logits, const float* dloss,
                                    Gradient<float> dlogits, Gradient<float> dregion_weights);

// CUDA: T is float or bf16. Nothing is thrown: a label outside the classes makes the loss NaN, and the
// gradients of its sample.
template <class T>
void softmax_cross_entropy_forward(Cuda ctx, const CrossEntropy& x, const T* logits, float* loss);
template <class T>
void softmax_cross_entropy_backward(Cuda ctx, const CrossEntropy& x, const T* logits, const float* dloss,
                                    Gradient<T> dlogits, Gradient<float> dregion_weights);

}  // namespace fermion::kernels
