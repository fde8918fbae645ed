#include "kernels/residual_add.h"

#include "engine/ops.h"

namespace fermion::engine {

Tensor residual_add(Tape& tape, const Feature& a, const Feature& b) {
  if (!(a.y.shape() == b.y.shape()))
    throw Error("{}/residual_add: shapes {} and {} differ", tape.path(), a.y.shape().text(),
                b.y.shape().text());
  const kernels::ImageDims dims = a.dims(tape.label("residual_add"));
  const Tensor y = Tensor::empty(tape.device(), a.y.dtype(), a.y.shape());
  tape.op(
      "residual_add", {{a.y, b.y}}, {y},
      [&]<class T>(auto ctx, Type<T>) {
        kernels::residual_add_forward(ctx, dims, a.view<T>(), b.view<T>(), y.data<T>());
      },
      [=]<class T>(auto ctx, Type<T>) {
        for (const Feature& x : {a, b})
          if (const auto dx = x.take_gradient<T>(); dx.da)
            kernels::residual_add_backward(ctx, dims, x.view<T>(), y.gradient().template data<T>(), dx);
      });
  return y;
}

}  // namespace fermion::engine
