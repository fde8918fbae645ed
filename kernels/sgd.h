// SGD with Nesterov momentum and coupled weight decay (Sutskever, Martens, Dahl, Hinton, "On the importance
// of initialization and momentum in deep learning", ICML 2013), all parameters in one call;
// kernels/parameter_step.h states what else a step does. With g the clipped gradient and v the momentum:
//
//   g     += decay value                                  where decay applies
//   v      = momentum v + g
//   value -= learning_rate (g + momentum v)
//
// Traffic: 32 bytes a parameter (4 reads, 3 writes, and the gradient once more for its norm).
#pragma once

#include "kernels/parameter_step.h"

namespace fermion::kernels {

struct Sgd {
  double momentum = 0.9, weight_decay = 0.05;
};

void sgd_step(Cpu ctx, const Sgd& options, const ParameterStep& step);
void sgd_step(Cuda ctx, const Sgd& options, const ParameterStep& step);

// One step's numbers, shared by every device's kernels.
struct SgdConstants {
  float clip, momentum, weight_decay, learning_rate, ema_rate;

  FERMION_HOST_DEVICE SgdConstants(const Sgd& options, const StepScalars& scalars, double clip)
      : clip(static_cast<float>(clip)),
        momentum(static_cast<float>(options.momentum)),
        weight_decay(static_cast<float>(options.weight_decay)),
        learning_rate(static_cast<float>(scalars.learning_rate)),
        ema_rate(static_cast<float>(1 - scalars.ema_decay)) {}
};

}  // namespace fermion::kernels
