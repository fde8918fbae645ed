#include "fer/synth_faces/draw.h"
#include "kernels/rng.h"

namespace fermion::fer::synth {
namespace {

// Lambert's law on n = (-slope, 1) / |.|, over ambient light.
Colour shade(const Surface& surface, Vec2 towards_light, float depth, const Light& light) {
  const Vec2 s = surface.slope;
  const float cosine = (depth - dot(s, towards_light)) / std::sqrt(1 + dot(s, s));
  const float lit = 1.25f * (1 - light.ambient) * std::max(cosine, 0.0f);
  return surface.albedo * (Colour{light.ambient, light.ambient, light.ambient} + lit * light.colour);
}

// Convolves every row and column of [size, size, 3] with a Gaussian.
void blur(std::vector<float>& picture, int size, float sigma) {
  const int reach = static_cast<int>(std::ceil(2.5f * sigma));
  std::vector<float> weights(static_cast<std::size_t>(reach) + 1);
  float total = 0;
  for (int i = 0; i <= reach; ++i) {
    weights[i] = std::exp(-0.5f * static_cast<float>(i * i) / (sigma * sigma));
    total += i == 0 ? weights[i] : 2 * weights[i];
  }
  for (float& w : weights) w /= total;
  std::vector<float> source(static_cast<std::size_t>(size) * 3);
  const auto along = [&](float* line, std::ptrdiff_t stride) {
    for (int i = 0; i < size; ++i)
      for (int c = 0; c < 3; ++c) source[3 * i + c] = line[i * stride + c];
    for (int i = 0; i < size; ++i)
      for (int c = 0; c < 3; ++c) {
        float sum = weights[0] * source[3 * i + c];
        for (int k = 1; k <= reach; ++k)
          sum +=
              weights[k] * (source[3 * std::max(i - k, 0) + c] + source[3 * std::min(i + k, size - 1) + c]);
        line[i * stride + c] = sum;
      }
  };
  for (int y = 0; y < size; ++y) along(picture.data() + static_cast<std::size_t>(y) * size * 3, 3);
  for (int x = 0; x < size; ++x) along(picture.data() + static_cast<std::size_t>(x) * 3, 3 * size);
}

// Nearly normal: the sum of four uniform bytes of a word, mean 0, variance 1.
float noise_of(std::uint32_t word) {
  const auto sum = static_cast<int>((word & 255) + (word >> 8 & 255) + (word >> 16 & 255) + (word >> 24));
  return static_cast<float>(sum - 510) * (1 / 147.8f);
}

}  // namespace

std::vector<float> take_picture(Canvas& canvas, const Light& light, const Camera& camera, std::uint64_t seed,
                                std::int64_t index) {
  const int size = canvas.size / 2;
  std::vector<float> picture(static_cast<std::size_t>(size) * size * 3);
  const float depth = std::sqrt(1 - dot(light.direction, light.direction));
  float* out = picture.data();
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x, out += 3) {
      Colour sum;
      for (const int dy : {0, 1})
        for (const int dx : {0, 1})
          sum = sum + shade(canvas.at(2 * x + dx, 2 * y + dy), light.direction, depth, light);
      out[0] = 0.25f * sum.r;
      out[1] = 0.25f * sum.g;
      out[2] = 0.25f * sum.b;
    }
  }
  const float sigma = camera.blur * static_cast<float>(size);
  if (sigma > 0.2f) blur(picture, size, sigma);

  const kernels::Random random{seed, kernels::stream_of("synth_faces.noise"), 0};
  const std::uint64_t first = static_cast<std::uint64_t>(index)
                              << 24;  // more than the largest picture's pixels
  for (int i = 0; i < size * size; ++i) {
    float* pixel = picture.data() + 3 * static_cast<std::size_t>(i);
    const kernels::PhiloxBlock words = random.block(first + static_cast<std::uint64_t>(i));
    const float grey = 0.3f * pixel[0] + 0.59f * pixel[1] + 0.11f * pixel[2];
    for (int c = 0; c < 3; ++c) {
      const float value = camera.exposure * mix(grey, pixel[c], camera.saturation);
      const float noisy = 0.5f + camera.contrast * (value - 0.5f) + camera.noise * noise_of(words.word[c]);
      pixel[c] = std::clamp(noisy, 0.0f, 1.0f);
    }
  }
  return picture;
}

}  // namespace fermion::fer::synth
