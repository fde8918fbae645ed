#include "kernels/parameter_step.cuh"
#include "kernels/sgd.h"

namespace fermion::kernels {
namespace {

struct SgdRule {
  using Constants = SgdConstants;

  Sgd options;

  __device__ Constants constants(const StepScalars& scalars, double clip) const {
    return {options, scalars, clip};
  }

  template <int N>
  static __device__ void update(const Constants& k, const StepParameter& p, std::int64_t i) {
    const float decay = p.decay ? k.weight_decay : 0.0f;
    const Floats<N> gradient = load<N>(p.gradient + i);
    Floats<N> value = load<N>(p.value + i), v = load<N>(p.first + i), ema = load<N>(p.ema + i);
#pragma unroll
    for (int j = 0; j < N; ++j) {
      const float g = fmaf(k.clip, gradient[j], decay * value[j]);
      v[j] = fmaf(k.momentum, v[j], g);
      value[j] = fmaf(-k.learning_rate, fmaf(k.momentum, v[j], g), value[j]);
      ema[j] = fmaf(k.ema_rate, value[j] - ema[j], ema[j]);
    }
    store(p.value + i, value);
    store(p.first + i, v);
    store(p.ema + i, ema);
  }
};

}  // namespace

void sgd_step(Cuda ctx, const Sgd& options, const ParameterStep& step) {
  parameter_step(ctx, step, SgdRule{options});
}

}  // namespace fermion::kernels
