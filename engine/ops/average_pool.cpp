#include "kernels/average_pool.h"

#include "engine/ops.h"

namespace fermion::engine {

Tensor average_pool(Tape& tape, const Feature& x, int grid) {
  const kernels::AveragePool dims{x.dims(tape.label("average_pool")), grid};
  if (grid < 1 || dims.x.H < 1 || dims.x.W < 1 || dims.x.H % grid != 0 || dims.x.W % grid != 0)
    throw Error("{}/average_pool: a grid of {} x {} does not divide images of {} x {} pixels", tape.path(),
                grid, grid, dims.x.H, dims.x.W);
  Shape shape = x.y.shape();
  shape.set(-3, grid);
  shape.set(-2, grid);
  const Tensor y = Tensor::empty(tape.device(), x.y.dtype(), shape);
  tape.op(
      "average_pool", {{x.y}}, {y},
      [&]<class T>(auto ctx, Type<T>) { kernels::average_pool_forward(ctx, dims, x.view<T>(), y.data<T>()); },
      [=]<class T>(auto ctx, Type<T>) {
        kernels::average_pool_backward(ctx, dims, x.view<T>(), y.gradient().template data<T>(),
                                       x.take_gradient<T>());
      });
  return y;
}

}  // namespace fermion::engine
