#include "kernels/region_entropy.h"

#include "engine/ops.h"

namespace fermion::engine {

Tensor region_entropy(Tape& tape, const Tensor& w) {
  const Shape& s = w.shape();
  if (s.rank() != 2) throw Error("{}/region_entropy: weights are [B, K], not {}", tape.path(), s.text());
  const std::int64_t B = s[0], K = s[1];
  const Tensor y = Tensor::empty(tape.device(), DType::f32, {});
  tape.op(
      "region_entropy", {.floats = {w}}, {y},
      [&](auto ctx, auto) { kernels::region_entropy_forward(ctx, B, K, w.data<float>(), y.data<float>()); },
      [=](auto ctx, auto) {
        kernels::region_entropy_backward(ctx, B, K, w.data<float>(), y.gradient().data<float>(),
                                         w.take_gradient<float>());
      });
  return y;
}

}  // namespace fermion::engine
