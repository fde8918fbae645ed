#include "kernels/softmax_cross_entropy.h"

#include "engine/ops.h"

namespace fermion::engine {
namespace {

void check(const Tape& tape, const Tensor& logits, const Tensor& targets,
           const CrossEntropyOptions& options) {
  const Shape& l = logits.shape();
  if ((l.rank() != 2 && l.rank() != 3) || l[-1] < 1)
    throw Error("{}/softmax_cross_entropy: logits are [B, classes] or [K, B, classes], not {}", tape.path(),
                l.text());
  const std::int64_t B = l[-2], classes = l[-1];
  const bool fits =
      targets.dtype() == DType::i32 ? targets.shape() == Shape{B} : targets.shape() == Shape{B, classes};
  if (!fits)
    throw Error("{}/softmax_cross_entropy: targets {} {} do not fit logits {}", tape.path(),
                name_of(targets.dtype()), targets.shape().text(), l.text());
  if (options.class_weights && !(options.class_weights.shape() == Shape{classes}))
    throw Error("{}/softmax_cross_entropy: class weights {} for {} classes", tape.path(),
                options.class_weights.shape().text(), classes);
  if (options.region_weights && !(l.rank() == 3 && options.region_weights.shape() == Shape{B, l[0]}))
    throw Error("{}/softmax_cross_entropy: region weights {} do not fit logits {}", tape.path(),
                options.region_weights.shape().text(), l.text());
  if (targets.wants_gradient() || (options.class_weights && options.class_weights.wants_gradient()))
    throw Error("{}/softmax_cross_entropy: targets and class weights get no gradient, but one wants it",
                tape.path());
  if (!(options.label_smoothing >= 0 && options.label_smoothing <= 1))
    throw Error("{}/softmax_cross_entropy: label smoothing {} is not in [0, 1]", tape.path(),
                options.label_smoothing);
}

}  // namespace

Tensor softmax_cross_entropy(Tape& tape, const Tensor& logits, const Tensor& targets,
                             const CrossEntropyOptions& options) {
  check(tape, logits, targets, options);
  const Shape l = logits.shape();
  const Tensor y = Tensor::empty(tape.device(), DType::f32, {});
  const auto view = [=] {
    kernels::CrossEntropy x{l.rank() == 3 ? l[0] : 1, l[-2], l[-1], options.label_smoothing};
    if (targets.dtype() == DType::i32)
      x.labels = targets.data<std::int32_t>();
    else
      x.distribution = targets.data<float>();
    if (options.class_weights) x.class_weights = options.class_weights.data<float>();
    if (options.region_weights) x.region_weights = options.region_weights.data<float>();
    return x;
  };
  Operands operands{{logits}, {options.class_weights, options.region_weights}};
  (targets.dtype() == DType::i32 ? operands.others : operands.floats).push_back(targets);
  tape.op(
      "softmax_cross_entropy", operands, {y},
      [&]<class T>(auto ctx, Type<T>) {
        kernels::softmax_cross_entropy_forward(ctx, view(), logits.data<T>(), y.data<float>());
      },
      [=]<class T>(auto ctx, Type<T>) {
        kernels::softmax_cross_entropy_backward(
            ctx, view(), logits.data<T>(), y.gradient().template data<float>(), logits.take_gradient<T>(),
            options.region_weights.take_gradient<float>());
      });
  return y;
}

}  // namespace fermion::engine
