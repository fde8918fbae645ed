#include "kernels/weighted_sum.h"

#include "engine/ops.h"

namespace fermion::engine {

Tensor weighted_sum(Tape& tape, const std::vector<Tensor>& scalars, const std::vector<float>& weights) {
  if (scalars.empty() || scalars.size() != weights.size())
    throw Error("{}/weighted_sum: {} scalars and {} weights", tape.path(), scalars.size(), weights.size());
  for (const Tensor& scalar : scalars)
    if (scalar.size() != 1)
      throw Error("{}/weighted_sum: {} is no scalar", tape.path(), scalar.shape().text());
  const Tensor y = Tensor::empty(tape.device(), scalars.front().dtype(), {});
  tape.op(
      "weighted_sum", scalars, {y},
      [&]<class T>(auto ctx, Type<T>) {
        std::vector<const T*> x;
        for (const Tensor& scalar : scalars) x.push_back(scalar.data<T>());
        kernels::weighted_sum_forward(ctx, x, weights, y.data<T>());
      },
      [=]<class T>(auto ctx, Type<T>) {
        std::vector<kernels::Gradient<T>> dx;
        for (const Tensor& scalar : scalars) dx.push_back(scalar.take_gradient<T>());
        kernels::weighted_sum_backward(ctx, dx, weights, y.gradient().template data<T>());
      });
  return y;
}

}  // namespace fermion::engine
