#include "tests/inputs.h"

#include <algorithm>

#include "kernels/rng.h"

namespace fermion::test {
namespace {

using engine::DType;
using kernels::Random;

Tensor random_tensor(engine::Device& device, const Input& input, const Random& random) {
  const auto size = static_cast<std::uint64_t>(input.shape.size());
  if (input.fill == Input::Fill::integers) {
    std::vector<std::int32_t> values(size);
    for (std::uint64_t i = 0; i < size; ++i)
      values[i] = static_cast<std::int32_t>(random.uniform(i) * input.scale);
    return Tensor::from<std::int32_t>(device, input.shape, values);
  }
  if (input.fill == Input::Fill::bytes) {
    std::vector<std::uint8_t> values(size);
    for (std::uint64_t i = 0; i < size; ++i) values[i] = static_cast<std::uint8_t>(random.uniform(i) * 256);
    return Tensor::from<std::uint8_t>(device, input.shape, values);
  }
  std::vector<float> values(size);
  for (std::uint64_t i = 0; i < size; ++i) {
    const double value = input.fill == Input::Fill::normal    ? random.normal(i) * input.scale
                         : input.fill == Input::Fill::uniform ? random.uniform(i) * input.scale
                                                              : 0.2 + 2 * random.uniform(i);
    values[i] = static_cast<float>(value);
  }
  return Tensor::from<float>(device, input.shape, values);
}

// x_hat gain + shift is exactly 0, where the ReLU's mask is decided, at every fifth pixel of some channels.
void plant_zeros(const Feature& feature, std::int64_t K) {
  const std::int64_t C = feature.y.shape()[-1], per_set = feature.y.size() / K;
  for (std::int64_t channel = 1; channel < K * C; channel += 3) {
    feature.shift.data<float>()[channel] = 0;
    for (std::int64_t i = channel % C; i < per_set; i += 5 * C)
      feature.y.data<float>()[channel / C * per_set + i] = feature.statistics.data<float>()[channel];
  }
}

Array array(const Tensor& t) {
  Array a(t.shape());
  a.values = doubles(t);
  return a;
}

}  // namespace

std::vector<Feature> make_inputs(engine::Device& device, const OpCase& test, std::uint64_t seed) {
  std::vector<Feature> inputs;
  std::uint32_t stream = 0;
  for (const Input& input : test.inputs) {
    Feature feature(random_tensor(device, input, {seed, stream++, 0}));
    if (input.norm) {
      const bool bank = input.shape.rank() == 5;
      const std::int64_t K = bank ? input.shape[0] : 1, C = input.shape[-1];
      const Shape channels = bank ? Shape{K, C} : Shape{C};
      feature.gain =
          random_tensor(device, tensor("gain", channels, Input::Fill::positive), {seed, stream++, 0});
      for (std::int64_t c = 0; c < K * C; c += 3) feature.gain.data<float>()[c] *= -1;
      feature.shift = random_tensor(device, tensor("shift", channels), {seed, stream++, 0});
      feature.statistics =
          random_tensor(device, tensor("statistics", {2, K, C}, Input::Fill::positive), {seed, stream++, 0});
      feature.relu = input.relu;
      if (input.relu) plant_zeros(feature, K);
    }
    inputs.push_back(std::move(feature));
  }
  return inputs;
}

std::vector<double> doubles(const Tensor& t) {
  std::vector<double> out(static_cast<std::size_t>(t.size()));
  if (t.dtype() == DType::f32) std::copy_n(t.data<float>(), t.size(), out.begin());
  if (t.dtype() == DType::i32) std::copy_n(t.data<std::int32_t>(), t.size(), out.begin());
  if (t.dtype() == DType::u8) std::copy_n(t.data<std::uint8_t>(), t.size(), out.begin());
  return out;
}

Values::Values(const Feature& feature) : y(array(feature.y)) {
  if (!feature.has_norm()) return;
  gain = array(feature.gain);
  shift = array(feature.shift);
  mean = array(feature.statistics.slice(0, 1));
  inv_std = array(feature.statistics.slice(1, 2));
  const Array z = value(false);
  for (const double at : z.values) masked.push_back(at == 0);
}

std::size_t Values::channel(std::size_t i) const {
  const auto C = static_cast<std::size_t>(y.shape[-1]);
  const std::size_t per_set = y.values.size() / (gain.values.size() / C);
  return i / per_set * C + i % C;
}

Array Values::value(bool relu) const {
  if (gain.values.empty()) return y;
  Array out = y;
  for (std::size_t i = 0; i < out.values.size(); ++i) {
    const std::size_t c = channel(i);
    const double z = (out.values[i] - mean.values[c]) * inv_std.values[c] * gain.values[c] + shift.values[c];
    out.values[i] = relu && (z < 0 || (!masked.empty() && masked[i])) ? 0 : z;
  }
  return out;
}

}  // namespace fermion::test
