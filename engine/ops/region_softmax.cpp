#include "kernels/region_softmax.h"

#include "engine/ops.h"

namespace fermion::engine {

Tensor region_softmax(Tape& tape, const Tensor& scores) {
  const Shape& s = scores.shape();
  if (s.rank() != 2 || s[1] < 1)
    throw Error("{}/region_softmax: scores are [B, K], not {}", tape.path(), s.text());
  const std::int64_t B = s[0], K = s[1];
  const Tensor w = Tensor::empty(tape.device(), DType::f32, s);
  tape.op(
      "region_softmax", {{scores}}, {w},
      [&]<class T>(auto ctx, Type<T>) {
        kernels::region_softmax_forward(ctx, B, K, scores.data<T>(), w.data<float>());
      },
      [=]<class T>(auto ctx, Type<T>) {
        kernels::region_softmax_backward(ctx, B, K, w.data<float>(), w.gradient().template data<float>(),
                                         scores.take_gradient<T>());
      });
  return w;
}

}  // namespace fermion::engine
