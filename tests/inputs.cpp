#include "tests/inputs.h"

#include <cmath>

#include "kernels/rng.h"

namespace fermion::test {
namespace {

using engine::DType;
using kernels::Random;

std::vector<double> random_values(const Input& input, const Random& random) {
  std::vector<double> values(static_cast<std::size_t>(input.shape.size()));
  for (std::uint64_t i = 0; i < values.size(); ++i) {
    const double u = random.uniform(i);
    switch (input.fill) {
      case Input::Fill::normal:
        values[i] = random.normal(i) * input.scale;
        break;
      case Input::Fill::uniform:
        values[i] = u * input.scale;
        break;
      case Input::Fill::positive:
        values[i] = 0.2 + 2 * u;
        break;
      case Input::Fill::integers:
        values[i] = std::floor(u * input.scale);
        break;
      case Input::Fill::bytes:
        values[i] = std::floor(u * 256);
    }
    if (input.change) values[i] = input.change(static_cast<std::int64_t>(i), values[i]);
  }
  return values;
}

Tensor tensor_of(const Target& target, DType dtype, const Shape& shape, const std::vector<double>& values) {
  const Tensor t = Tensor::empty(target.device, dtype, shape);
  write(t, values);
  return t;
}

DType dtype_of(const Target& target, const Input& input) {
  if (input.fill == Input::Fill::integers) return DType::i32;
  if (input.fill == Input::Fill::bytes) return DType::u8;
  return input.always_f32 ? DType::f32 : target.dtype;
}

// The numbers of a feature. Statistics are rounded to bf16, so that y can be equal to a mean in every type.
struct FeatureValues {
  std::vector<double> y, gain, shift, statistics;

  // x_hat gain + shift is exactly 0, where the ReLU's mask is decided, at every fifth pixel of some channels.
  void plant_zeros(std::int64_t K, std::int64_t C) {
    const std::int64_t per_set = static_cast<std::int64_t>(y.size()) / K;
    for (std::int64_t channel = 1; channel < K * C; channel += 3) {
      shift[static_cast<std::size_t>(channel)] = 0;
      for (std::int64_t i = channel % C; i < per_set; i += 5 * C)
        y[static_cast<std::size_t>(channel / C * per_set + i)] =
            statistics[static_cast<std::size_t>(channel)];
    }
  }
};

Array array(const Tensor& t) {
  Array a(t.shape());
  a.values = doubles(t);
  return a;
}

}  // namespace

std::vector<Feature> make_inputs(const Target& target, const OpCase& test, std::uint64_t seed) {
  std::vector<Feature> inputs;
  std::uint32_t stream = 0;
  for (const Input& input : test.inputs) {
    FeatureValues v{random_values(input, {seed, stream++, 0}), {}, {}, {}};
    Feature feature;
    if (input.norm) {
      const bool bank = input.shape.rank() == 5;
      const std::int64_t K = bank ? input.shape[0] : 1, C = input.shape[-1];
      const Shape channels = bank ? Shape{K, C} : Shape{C}, two{2, K, C};
      v.gain = random_values(tensor("gain", channels, Input::Fill::positive), {seed, stream++, 0});
      for (std::size_t c = 0; c < v.gain.size(); c += 3) v.gain[c] *= -1;
      v.shift = random_values(tensor("shift", channels), {seed, stream++, 0});
      v.statistics = random_values(tensor("statistics", two, Input::Fill::positive), {seed, stream++, 0});
      for (double& s : v.statistics)
        s = kernels::to_float(kernels::from_float<kernels::bf16>(static_cast<float>(s)));
      if (input.relu) v.plant_zeros(K, C);
      feature.gain = tensor_of(target, DType::f32, channels, v.gain);
      feature.shift = tensor_of(target, DType::f32, channels, v.shift);
      feature.statistics = tensor_of(target, DType::f32, two, v.statistics);
      feature.relu = input.relu;
    }
    feature.y = tensor_of(target, dtype_of(target, input), input.shape, v.y);
    inputs.push_back(std::move(feature));
  }
  return inputs;
}

namespace {

template <class T, class Convert>
std::vector<double> converted(const Tensor& t, const Convert& convert) {
  std::vector<double> out;
  for (const T value : t.to_host<T>()) out.push_back(convert(value));
  return out;
}

template <class T, class Convert>
void write_as(const Tensor& t, const std::vector<double>& values, const Convert& convert) {
  std::vector<T> typed;
  for (const double value : values) typed.push_back(convert(value));
  t.copy_from(typed);
}

}  // namespace

std::vector<double> doubles(const Tensor& t) {
  const auto same = [](auto value) { return static_cast<double>(value); };
  switch (t.dtype()) {
    case DType::f32:
      return converted<float>(t, same);
    case DType::bf16:
      return converted<kernels::bf16>(t, [](kernels::bf16 value) { return kernels::to_float(value); });
    case DType::u8:
      return converted<std::uint8_t>(t, same);
    case DType::i32:
      return converted<std::int32_t>(t, same);
  }
  return {};
}

void write(const Tensor& t, const std::vector<double>& values) {
  switch (t.dtype()) {
    case DType::f32:
      return write_as<float>(t, values, [](double v) { return static_cast<float>(v); });
    case DType::bf16:
      return write_as<kernels::bf16>(
          t, values, [](double v) { return kernels::from_float<kernels::bf16>(static_cast<float>(v)); });
    case DType::u8:
      return write_as<std::uint8_t>(t, values, [](double v) { return static_cast<std::uint8_t>(v); });
    case DType::i32:
      return write_as<std::int32_t>(t, values, [](double v) { return static_cast<std::int32_t>(v); });
  }
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
