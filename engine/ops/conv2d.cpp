#include "kernels/conv2d.h"

#include "engine/ops.h"

namespace fermion::engine {
namespace {

// The shapes of one call, or an error that names both sides of what does not fit.
kernels::Conv2d check(const std::string& op, const std::vector<Feature>& inputs, const Tensor& weight,
                      const Conv2dOptions& options) {
  if (inputs.empty() || inputs.size() > 2)
    throw Error("{}: {} inputs instead of one or two", op, inputs.size());
  const kernels::ImageDims x = inputs[0].dims(op);
  const Shape& w = weight.shape();
  const bool bank = inputs[0].y.shape().rank() == 5;
  if (w.rank() != (bank ? 5 : 4))
    throw Error("{}: weight {} of input {} is not {}[Co, 3, 3, Ci] or 1 x 1", op, w.text(),
                inputs[0].y.shape().text(), bank ? "per region " : "");
  kernels::Conv2d dims{x.K, x.N, x.H, x.W, x.C, 0, w[-4], w[-2], options.stride};
  if (inputs.size() == 2) {
    const kernels::ImageDims second = inputs[1].dims(op);
    if (second.K != x.K || second.N != x.N || second.H != x.H || second.W != x.W)
      throw Error("{}: inputs {} and {} differ in more than channels", op, inputs[0].y.shape().text(),
                  inputs[1].y.shape().text());
    dims.second_channels = second.C;
  }
  if ((bank && w[0] != x.K) || w[-1] != dims.Ci() || w[-2] != w[-3] || (w[-2] != 1 && w[-2] != 3))
    throw Error("{}: weight {} does not fit {} input channels of {}; it is {}[Co, 3, 3, Ci] or 1 x 1", op,
                w.text(), dims.Ci(), inputs[0].y.shape().text(), bank ? "per region " : "");
  if (options.stride != 1 && options.stride != 2)
    throw Error("{}: stride {} is neither 1 nor 2", op, options.stride);
  if (dims.N * dims.H * dims.W == 0) throw Error("{}: input {} is empty", op, inputs[0].y.shape().text());
  for (const Tensor& t : {options.gain, options.shift, options.bias})
    if (t && t.size() != dims.K * dims.Co)
      throw Error("{}: gain, shift or bias {} does not fit the {} output channels of weight {}", op,
                  t.shape().text(), dims.K * dims.Co, w.text());
  if (bool(options.gain) != bool(options.shift)) throw Error("{}: a norm needs gain and shift", op);
  if (options.gain && options.bias) throw Error("{}: either a norm or a bias", op);
  if (options.gain && dims.N * dims.Ho() * dims.Wo() == 1)
    throw Error("{}: no statistics of one value per channel; take a larger batch or input than {}", op,
                inputs[0].y.shape().text());
  return dims;
}

template <class T>
kernels::Conv2dInput<T> view(const std::vector<Feature>& inputs) {
  return {inputs[0].view<T>(), inputs.size() == 2 ? inputs[1].view<T>() : kernels::Feature<T>{}};
}

Operands operands_of(const std::vector<Feature>& inputs, const Tensor& weight, const Conv2dOptions& options) {
  Operands operands{.floats = {weight, options.gain, options.shift, options.bias}};
  for (const Feature& input : inputs) operands.activations.push_back(input.y);
  return operands;
}

}  // namespace

Feature conv2d(Tape& tape, const std::vector<Feature>& inputs, const Tensor& weight,
               const Conv2dOptions& options) {
  const std::string op = tape.label("conv2d");
  const kernels::Conv2d dims = check(op, inputs, weight, options);
  Shape shape = inputs[0].y.shape();
  shape.set(-3, dims.Ho());
  shape.set(-2, dims.Wo());
  shape.set(-1, dims.Co);
  Feature y(Tensor::empty(tape.device(), inputs[0].y.dtype(), shape));
  if (options.gain) {
    y.gain = options.gain;
    y.shift = options.shift;
    y.statistics = Tensor::empty(tape.device(), DType::f32, {2, dims.K, dims.Co});
    y.relu = options.relu;
  }
  const bool epilogue = !options.gain && (options.bias || options.relu);
  const Operands operands = operands_of(inputs, weight, options);
  if (epilogue && tape.wanted(operands.all()))
    throw Error("{}: bias and ReLU in the epilogue are for evaluation; they have no backward", op);
  tape.op(
      "conv2d", operands, {y.y},
      [&]<class T>(auto ctx, Type<T>) {
        float* statistics = y.has_norm() ? y.statistics.data<float>() : nullptr;
        kernels::conv2d_forward(ctx, dims, view<T>(inputs), weight.data<float>(),
                                {.y = y.y.data<T>(),
                                 .mean = statistics,
                                 .inv_std = statistics ? statistics + dims.K * dims.Co : nullptr,
                                 .bias = options.bias ? options.bias.data<float>() : nullptr,
                                 .relu = epilogue && options.relu});
      },
      [=]<class T>(auto ctx, Type<T>) {
        kernels::Conv2dArrived<T> arrived{y.y.gradient().template data<T>()};
        if (y.has_norm()) {
          if (!y.statistics.gradient())
            throw Error("{}: a reader of the output left no sums of its gradient", op);
          arrived.sum_da = y.statistics.gradient().template data<float>();
          arrived.sum_da_x_hat = arrived.sum_da + dims.K * dims.Co;
        }
        kernels::Conv2dGradient<T> gradient;
        gradient.first = inputs[0].take_gradient<T>();
        if (inputs.size() == 2) gradient.second = inputs[1].take_gradient<T>();
        gradient.weight = weight.take_gradient<float>();
        if (y.has_norm()) {
          gradient.gain = y.gain.take_gradient<float>();
          gradient.shift = y.shift.take_gradient<float>();
        }
        kernels::conv2d_backward(ctx, dims, view<T>(inputs), weight.data<float>(), y.view<T>(), arrived,
                                 gradient);
      });
  return y;
}

}  // namespace fermion::engine
