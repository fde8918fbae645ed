#include "kernels/linear.h"

#include "engine/ops.h"

namespace fermion::engine {
namespace {

kernels::Linear check(const Tape& tape, const Shape& x, const Shape& weight, const Tensor& bias) {
  const bool bank = weight.rank() == 3;
  if ((weight.rank() != 2 && !bank) || x.rank() != weight.rank() || x[-1] != weight[-1] ||
      (bank && x[0] != weight[0]))
    throw Error(
        "{}/linear: expects x [M, Ci] and weight [Co, Ci], or x [K, M, Ci] and weight [K, Co, Ci], "
        "and got {} and {}",
        tape.path(), x.text(), weight.text());
  const kernels::Linear dims{bank ? x[0] : 1, x[-2], x[-1], weight[-2]};
  const Shape expected = bank ? Shape{dims.K, dims.Co} : Shape{dims.Co};
  if (bias && !(bias.shape() == expected))
    throw Error("{}/linear: weight {} needs a bias {} and got {}", tape.path(), weight.text(),
                expected.text(), bias.shape().text());
  return dims;
}

}  // namespace

Tensor linear(Tape& tape, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const kernels::Linear dims = check(tape, x.shape(), weight.shape(), bias);
  Shape shape = x.shape();
  shape.set(-1, dims.Co);
  const Tensor y = Tensor::empty(tape.device(), x.dtype(), shape);
  tape.op(
      "linear", {{x}, {weight, bias}}, {y},
      [&]<class T>(auto ctx, Type<T>) {
        kernels::linear_forward(ctx, dims, x.data<T>(), weight.data<float>(),
                                bias ? bias.data<float>() : nullptr, y.data<T>());
      },
      [=]<class T>(auto ctx, Type<T>) {
        kernels::linear_backward(ctx, dims, x.data<T>(), weight.data<float>(),
                                 y.gradient().template data<T>(), x.take_gradient<T>(),
                                 weight.take_gradient<float>(), bias.take_gradient<float>());
      });
  return y;
}

}  // namespace fermion::engine
