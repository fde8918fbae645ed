#include "kernels/weighted_sum.h"

#include "engine/ops.h"

namespace fermion::engine {

Tensor weighted_sum(Tape& tape, const std::vector<Tensor>& scalars, const std::vector<float>& weights) {
  if (scalars.empty() || scalars.size() != weights.size())
    throw Error("{}/weighted_sum: {} scalars and {} weights", tape.path(), scalars.size(), weights.size());
  for (const Tensor& scalar : scalars)
    if (scalar.size() != 1)
      throw Error("{}/weighted_sum: {} is no scalar", tape.path(), scalar.shape().text());
  const Tensor y = Tensor::empty(tape.device(), DType::f32, {});
  tape.op(
      "weighted_sum", {.floats = scalars}, {y},
      [&](auto ctx, auto) {
        std::vector<const float*> x;
        for (const Tensor& scalar : scalars) x.push_back(scalar.data<float>());
        kernels::weighted_sum_forward(ctx, x, weights, y.data<float>());
      },
      [=](auto ctx, auto) {
        std::vector<kernels::Gradient<float>> dx;
        for (const Tensor& scalar : scalars) dx.push_back(scalar.take_gradient<float>());
        kernels::weighted_sum_backward(ctx, dx, weights, y.gradient().data<float>());
      });
  return y;
}

}  // namespace fermion::engine
