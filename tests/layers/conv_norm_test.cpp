// What evaluation folds into weights and bias.
#include "layers/conv_norm.h"

#include <cmath>
#include <doctest/doctest.h>

#include "kernels/rng.h"

using namespace fermion;
using namespace fermion::layers;

TEST_CASE("a folded norm is gain (y - mean) / sqrt(var + 1e-5) + shift, where var is small too") {
  constexpr int in = 5, out = 4;
  engine::Device device{{.threads = 1}};
  Parameters parameters(device, 3);
  ConvNorm layer(parameters, "conv", "norm", {.in = in, .out = out, .kernel = 1, .relu = false});
  const std::vector<float> gain{1, -2, 0.5f, 3}, shift{0, 1, -1, 0.25f}, mean{0.1f, -0.2f, 0, 0.3f},
      var{0, 1e-6f, 1e-5f, 1e-4f};
  parameters.parameters()[1].value.copy_from(gain);
  parameters.parameters()[2].value.copy_from(shift);
  parameters.running()[0].mean.copy_from(mean);
  parameters.running()[0].var.copy_from(var);
  parameters.changed();

  std::vector<float> x(in);
  const kernels::Random random{4, 0, 0};
  for (std::size_t i = 0; i < in; ++i) x[i] = static_cast<float>(random.normal(i));
  engine::Tape tape(device, engine::Mode::evaluate);
  const std::vector<float> folded =
      layer.forward(tape, {Feature(Tensor::from<float>(device, {1, 1, 1, in}, x))}).y.to_host<float>();
  const std::vector<float> weight = parameters.parameters()[0].value.to_host<float>();
  REQUIRE(weight.size() == in * out);
  for (std::size_t c = 0; c < out; ++c) {
    const double factor = gain[c] / std::sqrt(var[c] + 1e-5);
    double y = 0, size = std::abs(mean[c]);
    for (std::size_t i = 0; i < in; ++i) {
      y += static_cast<double>(weight[c * in + i]) * x[i];
      size += std::abs(static_cast<double>(weight[c * in + i]) * x[i]);
    }
    // A rounding of each weight and of each partial sum.
    const double tolerance = (in + 2) * 6e-8 * (size * std::abs(factor) + std::abs(shift[c]));
    INFO("channel " << c);
    CHECK(std::abs(folded[c] - (factor * (y - mean[c]) + shift[c])) <= tolerance);
  }
}
