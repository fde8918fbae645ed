#include "layers/conv_norm.h"

#include <cmath>

namespace fermion::layers {
namespace {

constexpr double epsilon = 1e-5;

Shape channels(const ConvNormOptions& o) {
  return o.regions > 0 ? Shape{o.regions, o.out} : Shape{o.out};
}

Shape weights(const ConvNormOptions& o) {
  return o.regions > 0 ? Shape{o.regions, o.out, o.kernel, o.kernel, o.in}
                       : Shape{o.out, o.kernel, o.kernel, o.in};
}

}  // namespace

ConvNorm::ConvNorm(Parameters& parameters, const std::string& conv_path, const std::string& norm_path,
                   ConvNormOptions options)
    : parameters_(parameters),
      path_(conv_path),
      options_(options),
      weight_(parameters.add(conv_path + ".weight", weights(options),
                             options.relu ? Init::he_normal : Init::uniform,
                             options.kernel * options.kernel * options.in, true)),
      gain_(parameters.add(norm_path + ".gain", channels(options), options.zero_gain ? Init::zero : Init::one,
                           1, false)),
      shift_(parameters.add(norm_path + ".shift", channels(options), Init::zero, 1, false)),
      running_(parameters.add_running(norm_path, channels(options))) {}

Feature ConvNorm::forward(Tape& tape, const std::vector<Feature>& inputs) {
  const auto scope = tape.scope(path_);
  if (tape.mode() == engine::Mode::evaluate) {
    if (folded_version_ != parameters_.version()) fold();
    return conv2d(tape, inputs, folded_weight_, {options_.stride, {}, {}, folded_bias_, options_.relu});
  }
  const Feature y = conv2d(tape, inputs, weight_, {options_.stride, gain_, shift_, {}, options_.relu});
  running_.batch = y.statistics;
  running_.count = y.y.size() / gain_.size();
  return y;
}

void ConvNorm::fold() {
  if (!folded_weight_) {
    folded_weight_ = Tensor::empty(weight_.device(), weight_.dtype(), weight_.shape());
    folded_bias_ = Tensor::empty(gain_.device(), gain_.dtype(), gain_.shape());
  }
  std::vector<float> weight = weight_.to_host<float>(), bias = shift_.to_host<float>();
  const std::vector<float> gain = gain_.to_host<float>(), mean = running_.mean.to_host<float>(),
                           var = running_.var.to_host<float>();
  const std::size_t fan_in = weight.size() / gain.size();
  for (std::size_t c = 0; c < gain.size(); ++c) {
    const double factor = gain[c] / std::sqrt(var[c] + epsilon);
    bias[c] = static_cast<float>(bias[c] - mean[c] * factor);
    for (std::size_t i = c * fan_in; i < (c + 1) * fan_in; ++i)
      weight[i] = static_cast<float>(weight[i] * factor);
  }
  folded_weight_.copy_from(weight);
  folded_bias_.copy_from(bias);
  folded_version_ = parameters_.version();
}

}  // namespace fermion::layers
