#include "kernels/dropout.h"

#include "engine/ops.h"

namespace fermion::engine {

Tensor dropout(Tape& tape, const Tensor& x, float probability) {
  if (!(probability >= 0 && probability < 1))
    throw Error("{}/dropout: probability {} is not in [0, 1)", tape.path(), probability);
  if (probability == 0 || tape.mode() == Mode::evaluate) return x;
  const kernels::RandomSource random = tape.random();
  const Tensor y = Tensor::empty(tape.device(), x.dtype(), x.shape());
  tape.op(
      "dropout", {{x}}, {y},
      [&]<class T>(auto ctx, Type<T>) {
        kernels::dropout_forward(ctx, x.size(), probability, random, x.data<T>(), y.data<T>());
      },
      [=]<class T>(auto ctx, Type<T>) {
        kernels::dropout_backward(ctx, x.size(), probability, random, y.gradient().template data<T>(),
                                  x.take_gradient<T>());
      });
  return y;
}

}  // namespace fermion::engine
