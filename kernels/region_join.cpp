#include "kernels/region_join.h"

#include "kernels/accumulate.h"

namespace fermion::kernels {

void region_join_forward(Cpu ctx, const RegionJoin& dims, const float* f, const float* w, const float* g,
                         float* z) {
#pragma omp parallel for num_threads(ctx.threads)
  for (std::int64_t b = 0; b < dims.B; ++b) {
    float* out = z + b * dims.width();
    for (std::int64_t k = 0; k < dims.K; ++k) {
      const float weight = w ? w[b * dims.K + k] : 1.0f;
      const float* in = f + (k * dims.B + b) * dims.C;
      for (std::int64_t c = 0; c < dims.C; ++c) *out++ = weight * in[c];
    }
    for (std::int64_t c = 0; c < dims.G; ++c) *out++ = g[b * dims.G + c];
  }
}

void region_join_backward(Cpu ctx, const RegionJoin& dims, const float* f, const float* w, const float* dz,
                          Gradient<float> df, Gradient<float> dw, Gradient<float> dg) {
#pragma omp parallel for num_threads(ctx.threads)
  for (std::int64_t b = 0; b < dims.B; ++b) {
    const float* in = dz + b * dims.width();
    for (std::int64_t k = 0; k < dims.K; ++k, in += dims.C) {
      const std::int64_t at = (k * dims.B + b) * dims.C;
      const float weight = w ? w[b * dims.K + k] : 1.0f;
      float sum = 0;
      for (std::int64_t c = 0; c < dims.C; ++c) {
        sum += f[at + c] * in[c];
        if (df) put(weight * in[c], df.write, df.data[at + c]);
      }
      if (dw) put(sum, dw.write, dw.data[b * dims.K + k]);
    }
    for (std::int64_t c = 0; dg && c < dims.G; ++c) put(in[c], dg.write, dg.data[b * dims.G + c]);
  }
}

}  // namespace fermion::kernels
