// Attention over all positions of an image, fused: the [positions, positions] matrix of scores never reaches
// memory.
//
//   qkv [N, positions, 3d] holds theta, phi and g side by side; per image
//   S = theta phi^T / sqrt(d),  P = softmax of each row of S,  O = P g
//   log_sum_exp_i = ln sum_j exp S_ij
//
// Forward: online softmax over blocks of positions j. With m the maximum and l the sum so far, a block B
// gives m' = max(m, max_B S_ij) and scales what is there by exp(m - m'):
//   l' = exp(m - m') l + sum_B exp(S_ij - m'),   O' = exp(m - m') O + sum_B exp(S_ij - m') g_j,
// at the end O / l and log_sum_exp = m + ln l. 4 positions^2 d flops an image.
//
// Backward: blocks of P come back from log_sum_exp. With D_i = sum_c dO_ic O_ic,
//   P = exp(S - log_sum_exp),  dP = dO g^T,  dS = P (dP - D),
//   dg = P^T dO,  dtheta = dS phi / sqrt(d),  dphi = dS^T theta / sqrt(d). 10 positions^2 d flops an image.
//
// Dao, Fu, Ermon, Rudra, Re: FlashAttention, NeurIPS 2022; Dao: FlashAttention-2, 2023. The non-local block:
// Wang, Girshick, Gupta, He, CVPR 2018 (embedded Gaussian).
//
// A NaN in row i of theta makes row i of O NaN, one in phi or g every row. Sums have a fixed order: equal
// bits for equal shapes and threads.
#pragma once

#include "kernels/context.h"

namespace fermion::kernels {

struct Attention {
  std::int64_t N = 1, positions = 1, d = 1;
};

// o: [N, positions, d], log_sum_exp: [N, positions].
void attention_forward(Cpu ctx, const Attention& dims, const float* qkv, float* o, float* log_sum_exp);

// d_o: [N, positions, d], dqkv: [N, positions, 3d].
void attention_backward(Cpu ctx, const Attention& dims, const float* qkv, const float* o,
                        const float* log_sum_exp, const float* d_o, Gradient<float> dqkv);

// CUDA: T is float or bf16. Of the backward, two kernels form S and dP: 14 positions^2 d flops an image.
// bf16 with d of 32, 64 or 128 runs on tensor cores, where P and dS are rounded to bf16 before the products
// with them; sums and softmax are f32.
template <class T>
void attention_forward(Cuda ctx, const Attention& dims, const T* qkv, T* o, float* log_sum_exp);
template <class T>
void attention_backward(Cuda ctx, const Attention& dims, const T* qkv, const T* o, const float* log_sum_exp,
                        const T* d_o, Gradient<T> dqkv);

}  // namespace fermion::kernels
