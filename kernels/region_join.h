// Feedback and joint feature: z_b = [w_b1 f_1b, ..., w_bK f_Kb, g_b].
//
// f: [K, B, C], w: [B, K], g: [B, G]; z: [B, K C + G]. Without f only g is there (K C = 0), without w the f
// are not multiplied, without g there is no tail (G = 0). Backward, with d_kbc = dz_b(k C + c):
//
//   df_kbc = w_bk d_kbc
//   dw_bk  = sum_c f_kbc d_kbc
//   dg_b   = the last G numbers of dz_b
#pragma once

#include "kernels/context.h"

namespace fermion::kernels {

struct RegionJoin {
  std::int64_t B = 0, K = 0, C = 0, G = 0;

  FERMION_HOST_DEVICE std::int64_t width() const { return K * C + G; }
};

// Null pointers for what is not there.
void region_join_forward(Cpu ctx, const RegionJoin& dims, const float* f, const float* w, const float* g,
                         float* z);
void region_join_backward(Cpu ctx, const RegionJoin& dims, const float* f, const float* w, const float* dz,
                          Gradient<float> df, Gradient<float> dw, Gradient<float> dg);

// CUDA: T is float or bf16.
template <class T>
void region_join_forward(Cuda ctx, const RegionJoin& dims, const T* f, const float* w, const T* g, T* z);
template <class T>
void region_join_backward(Cuda ctx, const RegionJoin& dims, const T* f, const float* w, const T* dz,
                          Gradient<T> df, Gradient<float> dw, Gradient<T> dg);

}  // namespace fermion::kernels
