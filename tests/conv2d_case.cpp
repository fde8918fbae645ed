#include "tests/conv2d_case.h"

#include <algorithm>
#include <cmath>

#include "engine/ops.h"

namespace fermion::test {
namespace {

// Shapes lead with K here, 1 where the tensor has none.
Shape with_bank(const Shape& s, int rank) {
  return s.rank() == rank + 1 ? s : rank == 4 ? Shape{1, s[0], s[1], s[2], s[3]} : Shape{1, s[0]};
}

Array convolve(const std::vector<const Array*>& inputs, const Array& weight, const Conv2dCase& test) {
  const bool bank = test.x.rank() == 5;
  const Shape x = with_bank(test.x, 4);
  const std::int64_t padding = (test.kernel - 1) / 2, Ci = x[4] + test.second;
  const std::int64_t Ho = (x[2] + 2 * padding - test.kernel) / test.stride + 1;
  const std::int64_t Wo = (x[3] + 2 * padding - test.kernel) / test.stride + 1;
  Array y(bank ? Shape{x[0], x[1], Ho, Wo, test.Co} : Shape{x[1], Ho, Wo, test.Co});
  std::size_t at = 0;
  for (std::int64_t k = 0; k < x[0]; ++k)
    for (std::int64_t n = 0; n < x[1]; ++n)
      for (std::int64_t i = 0; i < Ho; ++i)
        for (std::int64_t j = 0; j < Wo; ++j)
          for (std::int64_t co = 0; co < test.Co; ++co, ++at)
            for (std::int64_t a = 0; a < test.kernel; ++a)
              for (std::int64_t b = 0; b < test.kernel; ++b) {
                const std::int64_t h = i * test.stride + a - padding, w = j * test.stride + b - padding;
                if (h < 0 || h >= x[2] || w < 0 || w >= x[3]) continue;
                const std::int64_t pixel = ((k * x[1] + n) * x[2] + h) * x[3] + w;
                const std::int64_t tap = ((k * test.Co + co) * test.kernel + a) * test.kernel + b;
                y.values[at] += dot(inputs[0]->values, pixel * x[4], weight.values, tap * Ci, x[4]);
                if (test.second)
                  y.values[at] += dot(inputs[1]->values, pixel * test.second, weight.values, tap * Ci + x[4],
                                      test.second);
              }
  return y;
}

// BatchNorm over each weight set's pixels, then perhaps ReLU.
void normalise(Array& y, const Array& gain, const Array& shift, bool bank, bool relu) {
  const auto Co = static_cast<std::size_t>(y.shape[-1]), K = static_cast<std::size_t>(bank ? y.shape[0] : 1);
  const std::size_t M = y.values.size() / (K * Co);
  for (std::size_t k = 0; k < K; ++k)
    for (std::size_t c = 0; c < Co; ++c) {
      double mean = 0, variance = 0;
      const auto value = [&](std::size_t m) -> double& { return y.values[(k * M + m) * Co + c]; };
      for (std::size_t m = 0; m < M; ++m) mean += value(m) / static_cast<double>(M);
      for (std::size_t m = 0; m < M; ++m)
        variance += (value(m) - mean) * (value(m) - mean) / static_cast<double>(M);
      for (std::size_t m = 0; m < M; ++m) {
        const double z = (value(m) - mean) / std::sqrt(variance + 1e-5) * gain.values[k * Co + c] +
                         shift.values[k * Co + c];
        value(m) = relu && z < 0 ? 0 : z;
      }
    }
}

}  // namespace

OpCase conv2d_case(const std::string& name, const Conv2dCase& test) {
  const bool bank = test.x.rank() == 5;
  const std::int64_t Ci = test.x[-1] + test.second, Co = test.Co, kernel = test.kernel;
  const Shape channels = bank ? Shape{test.x[0], Co} : Shape{Co};
  const Input x = feature("x", test.x, test.norm_in, test.relu);
  Shape second = test.x;
  second.set(-1, test.second);
  const std::size_t inputs = test.second ? 2 : 1;

  OpCase result;
  result.name = name;
  result.inputs.push_back(test.first_layer || test.epilogue ? x.without_gradient() : x);
  if (test.second) result.inputs.push_back(feature("skip", second, test.norm_in, false));
  if (test.second) result.inputs.back().gradient = test.skip_gradient;
  const Shape weights = bank ? Shape{test.x[0], Co, kernel, kernel, Ci} : Shape{Co, kernel, kernel, Ci};
  result.inputs.push_back(parameter("weight", weights));
  result.inputs.back().gradient = test.weight_gradient;
  if (test.norm_out) result.inputs.push_back(parameter("gain", channels));
  if (test.norm_out) result.inputs.push_back(parameter("shift", channels));
  if (test.epilogue) result.inputs.push_back(parameter("bias", channels));
  if (test.epilogue)
    for (Input& input : result.inputs) input.gradient = false;

  // With a norm out, residual_add reads it and the outputs are value(y).
  result.op = [=](Tape& tape, const std::vector<Feature>& in) {
    engine::Conv2dOptions options;
    options.stride = test.stride;
    if (test.norm_out) options.gain = in[inputs + 1].y;
    if (test.norm_out) options.shift = in[inputs + 2].y;
    if (test.epilogue) options.bias = in[inputs + 1].y;
    options.relu = (test.norm_out && test.relu_out) || test.epilogue;
    const std::vector<Feature> features(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(inputs));
    const Feature y = engine::conv2d(tape, features, in[inputs].y, options);
    if (!test.norm_out) return std::vector<Tensor>{y.y};
    const Tensor zero = Tensor::zeros(tape.device(), y.y.dtype(), y.y.shape());
    return std::vector<Tensor>{engine::residual_add(tape, y, zero)};
  };
  result.reference = [=](const std::vector<Array>& in) {
    Array y = convolve({&in[0], &in[inputs - 1]}, in[inputs], test);
    if (test.norm_out) normalise(y, in[inputs + 1], in[inputs + 2], bank, test.relu_out);
    if (test.epilogue)
      for (std::size_t i = 0; i < y.values.size(); ++i) {
        const auto set = static_cast<std::size_t>(bank ? test.x[0] : 1);
        const auto c = static_cast<std::size_t>(Co);
        const double z = y.values[i] + in[inputs + 1].values[i / (y.values.size() / set) * c + i % c];
        y.values[i] = z < 0 ? 0 : z;
      }
    return std::vector<Array>{y};
  };
  const double pixels = static_cast<double>(test.x.size() / test.x[-1]) / (test.stride * test.stride);
  result.cpu_only = test.cpu_only;
  result.persistent = test.persistent;
  result.padded = kernel > 1;
  result.own_bf16 = true;
  // In bf16 the factors are rounded too, which in a sum counts as much as rounding it once more. The output's
  // norm adds the roundings of y and of dy; and y may be rounded across the ReLU's kink.
  result.roundings = !test.norm_out ? 2 : test.relu_out ? 0 : 4;
  result.terms = static_cast<double>(kernel * kernel * Ci);
  result.gradient_terms = std::max(pixels, static_cast<double>(kernel * kernel * Co));
  result.flops = 2 * pixels * static_cast<double>(kernel * kernel * Ci * Co);
  const double x_size = pixels * static_cast<double>(test.stride * test.stride * Ci),
               y_size = pixels * static_cast<double>(Co),
               weight_bytes = 4 * static_cast<double>(weights.size());
  result.traffic = {x_size + y_size, weight_bytes};
  result.backward_flops = (result.inputs[0].gradient ? 2 : 1) * result.flops;
  result.backward_traffic = {(result.inputs[0].gradient ? 2 : 1) * x_size + (test.norm_out ? 2 : 1) * y_size,
                             2 * weight_bytes};
  return result;
}

}  // namespace fermion::test
