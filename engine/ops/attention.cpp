#include "kernels/attention.h"

#include "engine/ops.h"

namespace fermion::engine {

Tensor attention(Tape& tape, const Tensor& qkv) {
  const Shape& shape = qkv.shape();
  if (shape.rank() != 4 || shape[-1] % 3 != 0 || shape[-1] == 0)
    throw Error("{}/attention: expects [N, H, W, 3d], theta, phi and g side by side, and got {}", tape.path(),
                shape.text());
  const kernels::Attention dims{shape[0], shape[1] * shape[2], shape[3] / 3};
  const Tensor o = Tensor::empty(tape.device(), qkv.dtype(), {shape[0], shape[1], shape[2], dims.d});
  const Tensor log_sum_exp = Tensor::empty(tape.device(), DType::f32, {dims.N, dims.positions});
  tape.op(
      "attention", {{qkv}}, {o},
      [&]<class T>(auto ctx, Type<T>) {
        kernels::attention_forward(ctx, dims, qkv.data<T>(), o.data<T>(), log_sum_exp.data<float>());
      },
      [=]<class T>(auto ctx, Type<T>) {
        if (const auto dqkv = qkv.take_gradient<T>())
          kernels::attention_backward(ctx, dims, qkv.data<T>(), o.data<T>(), log_sum_exp.data<float>(),
                                      o.gradient().template data<T>(), dqkv);
      });
  return o;
}

}  // namespace fermion::engine
