#include "fer/network_input.h"

#include <algorithm>
#include <cmath>
#include <doctest/doctest.h>

#include "kernels/rng.h"

using namespace fermion;
using namespace fermion::fer;

namespace {

constexpr int size = 8, count = 3, pixels = count * size * size;

// Noise around 90, 128 and 60, of spreads that differ from channel to channel.
std::vector<std::uint8_t> noise() {
  std::vector<std::uint8_t> bytes(3 * pixels);
  const kernels::Random random{1, 0, 0};
  constexpr double middle[] = {90, 128, 60}, spread[] = {10, 100, 40};
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>(middle[i % 3] + spread[i % 3] * (random.uniform(i) - 0.5) * 2);
  return bytes;
}

}  // namespace

TEST_CASE("mean and standard deviation are measured per channel, as shares of 255") {
  const std::vector<std::uint8_t> bytes = noise();
  const auto faces = std::make_shared<MemoryFaces>(count, size, size);
  Split split;
  split.faces = faces;
  split.classes = 1;
  for (int i = 0; i < count; ++i) {
    std::copy_n(bytes.begin() + i * 3 * size * size, 3 * size * size, faces->face(i).begin());
    Sample sample;
    sample.face = i;
    split.add(sample, std::vector<float>{1});
  }
  const Preprocessing measured = measure_pixels(split, size);
  CHECK(measured.size == size);
  for (std::size_t c = 0; c < 3; ++c) {
    double mean = 0, variance = 0;
    for (std::size_t i = c; i < bytes.size(); i += 3) mean += bytes[i] / 255.0 / pixels;
    for (std::size_t i = c; i < bytes.size(); i += 3)
      variance += std::pow(bytes[i] / 255.0 - mean, 2) / pixels;
    CHECK(measured.mean[c] == doctest::Approx(mean).epsilon(1e-6));
    CHECK(measured.std[c] == doctest::Approx(std::sqrt(variance)).epsilon(1e-6));
  }
}

TEST_CASE("every channel is standardised by its own mean and standard deviation") {
  const std::vector<std::uint8_t> bytes = noise();
  const Preprocessing p{size, {0.3f, 0.5f, 0.2f}, {0.02f, 0.25f, 0.1f}};
  engine::Device device{{.threads = 1}};
  NetworkInput input(device, p, count);
  input.write(bytes, std::vector<kernels::AugmentParameters>(count));
  engine::Tape tape(device, engine::Mode::evaluate);
  const engine::Tensor standardised = input.standardised(tape);
  CHECK(standardised.shape() == engine::Shape{count, size, size, 3});
  const std::vector<float> values = standardised.to_host<float>();
  REQUIRE(values.size() == bytes.size());
  double worst = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double expected = (bytes[i] / 255.0 - p.mean[i % 3]) / p.std[i % 3];
    worst = std::max(worst, std::abs(values[i] - expected));
  }
  // Some roundings of numbers below 1, times 1 / 0.02.
  CHECK(worst < 3e-5);
}
