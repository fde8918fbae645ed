#include "layers/parameters.h"

#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "kernels/rng.h"

namespace fermion::layers {

Tensor Parameters::add(const std::string& name, Shape shape, Init init, std::int64_t fan_in, bool decay) {
  for (const Parameter& other : parameters_)
    if (other.name == name) throw engine::Error("two parameters are called '{}'", name);
  const kernels::Random random{seed_, kernels::stream_of(name.c_str()), 0};
  std::vector<float> values(static_cast<std::size_t>(shape.size()));
  for (std::uint64_t i = 0; i < values.size(); ++i) {
    const double n = static_cast<double>(fan_in);
    const double value = init == Init::he_normal ? std::sqrt(2 / n) * random.normal(i)
                         : init == Init::uniform ? std::sqrt(1 / n) * (2 * random.uniform(i) - 1)
                         : init == Init::one     ? 1
                                                 : 0;
    values[i] = static_cast<float>(value);
  }
  const Tensor tensor = Tensor::from<float>(device_, shape, values);
  tensor.want_gradient();
  parameters_.push_back({name, tensor, decay});
  return tensor;
}

RunningStatistics& Parameters::add_running(const std::string& name, Shape channels) {
  const std::vector<float> ones(static_cast<std::size_t>(channels.size()), 1.0f);
  running_.push_back({name,
                      Tensor::zeros(device_, engine::DType::f32, channels),
                      Tensor::from<float>(device_, channels, ones),
                      {},
                      0});
  return running_.back();
}

std::int64_t Parameters::count() const {
  std::int64_t sum = 0;
  for (const Parameter& parameter : parameters_) sum += parameter.value.size();
  return sum;
}

}  // namespace fermion::layers
