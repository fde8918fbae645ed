#include "kernels/conv_transpose2d.h"

#include "engine/ops.h"

namespace fermion::engine {

Tensor conv_transpose2d(Tape& tape, const Feature& x, const Tensor& weight) {
  const Shape &s = x.y.shape(), &w = weight.shape();
  if (s.rank() != 4 || s.size() == 0 || w.rank() != 4 || w[1] != 2 || w[2] != 2 || w[3] != s[3])
    throw Error("{}/conv_transpose2d: input {} and weight {} are not [N, H, W, Ci] and [Co, 2, 2, Ci]",
                tape.path(), s.text(), w.text());
  const kernels::ConvTranspose2d dims{s[0], s[1], s[2], s[3], w[0]};
  const Tensor y = Tensor::empty(tape.device(), x.y.dtype(), {s[0], 2 * s[1], 2 * s[2], w[0]});
  tape.op(
      "conv_transpose2d", {{x.y}, {weight}}, {y},
      [&]<class T>(auto ctx, Type<T>) {
        kernels::conv_transpose2d_forward(ctx, dims, x.view<T>(), weight.data<float>(), y.data<T>());
      },
      [=]<class T>(auto ctx, Type<T>) {
        const auto dx = x.take_gradient<T>();
        kernels::conv_transpose2d_backward(ctx, dims, x.view<T>(), weight.data<float>(),
                                           y.gradient().template data<T>(), dx,
                                           weight.take_gradient<float>());
      });
  return y;
}

}  // namespace fermion::engine
