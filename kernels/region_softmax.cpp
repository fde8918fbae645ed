#include "kernels/region_softmax.h"

#include <cmath>

#include "kernels/accumulate.h"

namespace fermion::kernels {

void region_softmax_forward(Cpu, std::int64_t B, std::int64_t K, const float* scores, float* w) {
  for (std::int64_t b = 0; b < B; ++b, scores += K, w += K) {
    float largest = scores[0];
    for (std::int64_t k = 1; k < K; ++k)
      if (!(scores[k] <= largest)) largest = scores[k];
    float sum = 0;
    for (std::int64_t k = 0; k < K; ++k) sum += w[k] = std::exp(scores[k] - largest);
    for (std::int64_t k = 0; k < K; ++k) w[k] *= static_cast<float>(K) / sum;
  }
}

void region_softmax_backward(Cpu, std::int64_t B, std::int64_t K, const float* w, const float* dw,
                             Gradient<float> dscores) {
  for (std::int64_t b = 0; b < B; ++b, w += K, dw += K) {
    double mean = 0;
    for (std::int64_t k = 0; k < K; ++k) mean += static_cast<double>(w[k]) * dw[k] / static_cast<double>(K);
    for (std::int64_t k = 0; k < K; ++k)
      put(static_cast<float>(w[k] * (dw[k] - mean)), dscores.write, dscores.data[b * K + k]);
  }
}

}  // namespace fermion::kernels
