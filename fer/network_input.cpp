#include "fer/network_input.h"

#include <algorithm>
#include <cmath>

#include "engine/ops.h"

namespace fermion::fer {

using engine::DType;
using engine::Tensor;

Preprocessing measure_pixels(const Split& split, int size) {
  // Exact sums of bytes.
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
  const std::uint64_t pixels = static_cast<std::uint64_t>(split.size()) * (face.size() / 3);
  const auto count = static_cast<double>(pixels);
  for (std::size_t c = 0; c < 3; ++c) {
    using Exact = unsigned __int128;
    const auto scatter = static_cast<double>(Exact{pixels} * squares[c] - Exact{sum[c]} * sum[c]);
    p.mean[c] = static_cast<float>(static_cast<double>(sum[c]) / count / 255);
    p.std[c] = static_cast<float>(std::max(std::sqrt(scatter) / count / 255, 1e-3));
  }
  return p;
}

NetworkInput::NetworkInput(engine::Device& device, const Preprocessing& preprocessing, std::int64_t N,
                           int classes)
    : faces_(Tensor::empty(device, DType::u8, {N, preprocessing.size, preprocessing.size, 3})),
      augmentations_(Tensor::empty(device, DType::f32, {N, kernels::augment_parameter_count})),
      targets_(Tensor::empty(device, DType::f32, {N, classes})),
      mean_(Tensor::from<float>(device, {3}, preprocessing.mean)),
      dtype_(preprocessing.dtype) {
  std::array<float, 3> inv_std;
  for (std::size_t c = 0; c < 3; ++c) inv_std[c] = 1 / preprocessing.std[c];
  inv_std_ = Tensor::from<float>(device, {3}, inv_std);
  if (classes > 0) staging_.emplace(std::vector{faces_, augmentations_, targets_});
}

void NetworkInput::write(std::span<const std::uint8_t> faces,
                         std::span<const kernels::AugmentParameters> augmentations) {
  faces_.copy_from(faces.data(), faces.size_bytes());
  augmentations_.copy_from(augmentations.data(), augmentations.size_bytes());
}

void NetworkInput::stage(std::span<const std::uint8_t> faces,
                         std::span<const kernels::AugmentParameters> augmentations,
                         std::span<const float> targets) {
  staging_->stage({std::as_bytes(faces), std::as_bytes(augmentations), std::as_bytes(targets)});
}

Tensor NetworkInput::standardised(engine::Tape& tape) const {
  const auto scope = tape.scope("input");
  return engine::augment(tape, faces_, augmentations_, mean_, inv_std_, dtype_);
}

}  // namespace fermion::fer
