#include "kernels/adamw.h"
#include "kernels/parameter_step.cuh"

namespace fermion::kernels {
namespace {

struct AdamWRule {
  using Constants = AdamWConstants;

  AdamW options;

  __device__ Constants constants(const StepScalars& scalars, double clip) const {
    return {options, scalars, clip};
  }

  template <int N>
  static __device__ void update(const Constants& k, const StepParameter& p, std::int64_t i) {
    const float shrink = p.decay ? k.shrink : 1.0f;
    const Floats<N> gradient = load<N>(p.gradient + i);
    Floats<N> value = load<N>(p.value + i), m = load<N>(p.first + i), v = load<N>(p.second + i);
    Floats<N> ema = load<N>(p.ema + i);
#pragma unroll
    for (int j = 0; j < N; ++j) {
      const float g = k.clip * gradient[j];
      m[j] = fmaf(k.beta1, m[j], k.one_minus_beta1 * g);
      v[j] = fmaf(k.beta2, v[j], k.one_minus_beta2 * (g * g));
      const float root = fmaf(sqrtf(v[j]), k.inv_root_bias2, k.epsilon);
      value[j] = value[j] * shrink - k.step_size * m[j] / root;
      ema[j] = fmaf(k.ema_rate, value[j] - ema[j], ema[j]);
    }
    store(p.value + i, value);
    store(p.first + i, m);
    store(p.second + i, v);
    store(p.ema + i, ema);
  }
};

}  // namespace

void adamw_step(Cuda ctx, const AdamW& options, const ParameterStep& step) {
  parameter_step(ctx, step, AdamWRule{options});
}

}  // namespace fermion::kernels
