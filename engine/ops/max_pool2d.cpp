#include "kernels/max_pool2d.h"

#include "engine/ops.h"

namespace fermion::engine {

Tensor max_pool2d(Tape& tape, const Feature& x) {
  const kernels::ImageDims dims = x.dims(tape.label("max_pool2d"));
  if (dims.H < 2 || dims.W < 2)
    throw Error(
        "{}/max_pool2d: images of {} x {} pixels hold no 2x2 window; use larger images or fewer poolings",
        tape.path(), dims.H, dims.W);
  Shape shape = x.y.shape();
  shape.set(-3, dims.H / 2);
  shape.set(-2, dims.W / 2);
  const Tensor y = Tensor::empty(tape.device(), x.y.dtype(), shape);
  tape.op(
      "max_pool2d", {{x.y}}, {y},
      [&]<class T>(auto ctx, Type<T>) { kernels::max_pool2d_forward(ctx, dims, x.view<T>(), y.data<T>()); },
      [=]<class T>(auto ctx, Type<T>) {
        kernels::max_pool2d_backward(ctx, dims, x.view<T>(), y.gradient().template data<T>(),
                                     x.take_gradient<T>());
      });
  return y;
}

}  // namespace fermion::engine
