// AdamW (Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019), all parameters in one
// call; kernels/parameter_step.h states what else a step does. With t = step + 1 and g the clipped gradient:
//
//   value *= 1 - learning_rate decay                      where decay applies
//   m      = beta1 m + (1 - beta1) g
//   v      = beta2 v + (1 - beta2) g^2
//   value -= learning_rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
//
// Traffic: 40 bytes a parameter (5 reads, 4 writes, and the gradient once more for its norm).
#pragma once

#include <cmath>

#include "kernels/parameter_step.h"

namespace fermion::kernels {

struct AdamW {
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0.05;
};

void adamw_step(Cpu ctx, const AdamW& options, const ParameterStep& step);
void adamw_step(Cuda ctx, const AdamW& options, const ParameterStep& step);

// One step's numbers, shared by every device's kernels.
struct AdamWConstants {
  float clip, beta1, one_minus_beta1, beta2, one_minus_beta2;
  float step_size;       // learning_rate / (1 - beta1^t)
  float inv_root_bias2;  // 1 / sqrt(1 - beta2^t)
  float epsilon, shrink, ema_rate;

  FERMION_HOST_DEVICE AdamWConstants(const AdamW& options, const StepScalars& scalars, double clip)
      : clip(static_cast<float>(clip)),
        beta1(static_cast<float>(options.beta1)),
        one_minus_beta1(static_cast<float>(1 - options.beta1)),
        beta2(static_cast<float>(options.beta2)),
        one_minus_beta2(static_cast<float>(1 - options.beta2)),
        step_size(
            static_cast<float>(scalars.learning_rate / (1 - std::pow(options.beta1, scalars.step + 1.0)))),
        inv_root_bias2(static_cast<float>(1 / std::sqrt(1 - std::pow(options.beta2, scalars.step + 1.0)))),
        epsilon(static_cast<float>(options.epsilon)),
        shrink(static_cast<float>(1 - scalars.learning_rate * options.weight_decay)),
        ema_rate(static_cast<float>(1 - scalars.ema_decay)) {}
};

}  // namespace fermion::kernels
