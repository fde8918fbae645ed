#include "kernels/region_entropy.h"

#include <cmath>
#include <limits>

#include "kernels/accumulate.h"

namespace fermion::kernels {
namespace {

// NaN passes.
double log_of(double q) {
  return std::log(q < std::numeric_limits<float>::min() ? std::numeric_limits<float>::min() : q);
}

}  // namespace

void region_entropy_forward(Cpu, std::int64_t B, std::int64_t K, const float* w, float* y) {
  double sum = 0;
  for (std::int64_t i = 0; i < B * K; ++i) {
    const double q = w[i] / static_cast<double>(K);
    sum += q * log_of(q);
  }
  *y = B == 0 ? 0.0f : static_cast<float>(sum / static_cast<double>(B));
}

void region_entropy_backward(Cpu, std::int64_t B, std::int64_t K, const float* w, const float* dy,
                             Gradient<float> dw) {
  for (std::int64_t i = 0; i < B * K; ++i) {
    const double q = w[i] / static_cast<double>(K);
    put(static_cast<float>(*dy * (log_of(q) + 1) / static_cast<double>(B * K)), dw.write, dw.data[i]);
  }
}

}  // namespace fermion::kernels
