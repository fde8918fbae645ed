#include "kernels/weighted_sum.h"

#include "kernels/accumulate.h"

namespace fermion::kernels {

void weighted_sum_forward(Cpu, std::span<const float* const> x, std::span<const float> weights, float* y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += static_cast<double>(weights[i]) * *x[i];
  *y = static_cast<float>(sum);
}

void weighted_sum_backward(Cpu, std::span<const Gradient<float>> dx, std::span<const float> weights,
                           const float* dy) {
  for (std::size_t i = 0; i < dx.size(); ++i)
    if (dx[i]) put(weights[i] * *dy, dx[i].write, *dx[i].data);
}

}  // namespace fermion::kernels
