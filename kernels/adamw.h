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

#include "kernels/parameter_step.h"

namespace fermion::kernels {

struct AdamW {
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0.05;
};

void adamw_step(Cpu ctx, const AdamW& options, const ParameterStep& step);

}  // namespace fermion::kernels
