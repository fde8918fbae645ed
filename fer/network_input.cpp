#include "fer/network_input.h"

#include <algorithm>
#include <cmath>

#include "engine/ops.h"

namespace fermion::fer {

using engine::DType;
using engine::Tensor;

Preprocessing measure_pixels(const Split& split, int size) {
  // Exact sums of bytes, so that order and threads do not matter.
  std::array<std::uint64_t, 3> sum{}, squares{};
  std::vector<std::uint8_t> face(static_cast<std::size_t>(split.faces->bytes_per_face()));
  for (std::int64_t i = 0; i < split.size(); ++i) {
    split.read(i, face);
    for (std::size_t at = 0; at < face.size(); ++at) {
      sum[at % 3] += face[at];
      squares[at % 3] += std::uint64_t{face[at]} * face[at];
    }
  }
  Preprocessing p{size, {}, {}};
  const double count = static_cast<double>(split.size()) * static_cast<double>(face.size()) / 3;
  for (std::size_t c = 0; c < 3; ++c) {
    const double mean = static_cast<double>(sum[c]) / count;
    const double variance =
        static_cast<double>(squares[c]) / count - mean * mean;  // of integers below 2^64: exact sums
    p.mean[c] = static_cast<float>(mean / 255);
    p.std[c] = static_cast<float>(std::max(std::sqrt(std::max(variance, 0.0)) / 255, 1e-3));
  }
  return p;
}

NetworkInput::NetworkInput(engine::Device& device, const Preprocessing& preprocessing, std::int64_t N)
    : faces_(Tensor::empty(device, DType::u8, {N, preprocessing.size, preprocessing.size, 3})),
      augmentations_(Tensor::empty(device, DType::f32, {N, kernels::augment_parameter_count})),
      mean_(Tensor::from<float>(device, {3}, preprocessing.mean)) {
  std::array<float, 3> inv_std;
  for (std::size_t c = 0; c < 3; ++c) inv_std[c] = 1 / preprocessing.std[c];
  inv_std_ = Tensor::from<float>(device, {3}, inv_std);
}

void NetworkInput::write(std::span<const std::uint8_t> faces,
                         std::span<const kernels::AugmentParameters> augmentations) {
  faces_.copy_from(faces.data(), faces.size_bytes());
  augmentations_.copy_from(augmentations.data(), augmentations.size_bytes());
}

Tensor NetworkInput::standardised(engine::Tape& tape) const {
  const auto scope = tape.scope("input");
  return engine::augment(tape, faces_, augmentations_, mean_, inv_std_);
}

}  // namespace fermion::fer
