// What the network reads: faces, moved by the augmentation and standardised.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "engine/staging.h"
#include "engine/tape.h"
#include "fer/dataset.h"
#include "kernels/augment.h"

namespace fermion::fer {

// How a pixel in 0..255 becomes what the network reads: (v / 255 - mean) / std, per channel.
struct Preprocessing {
  int size = 0;  // of the square face
  std::array<float, 3> mean{}, std{1, 1, 1};
  engine::DType dtype = engine::DType::f32;  // of what the network reads, and so of all its activations
};

// Mean and standard deviation of the faces' pixels, per channel.
Preprocessing measure_pixels(const Split& split, int size);

// A batch of N faces on a device, for training with the targets [N, classes]. Every batch comes to the same
// place.
class NetworkInput {
 public:
  NetworkInput(engine::Device& device, const Preprocessing& preprocessing, std::int64_t N, int classes = 0);

  std::int64_t batch() const { return faces_.shape()[0]; }
  // faces: u8 [N, size, size, 3]; N augmentations.
  void write(std::span<const std::uint8_t> faces, std::span<const kernels::AugmentParameters> augmentations);
  // The same on the way beside what the device computes, and there (engine/staging.h).
  void stage(std::span<const std::uint8_t> faces, std::span<const kernels::AugmentParameters> augmentations,
             std::span<const float> targets);
  void deliver() { staging_->deliver(); }
  // [N, size, size, 3].
  engine::Tensor standardised(engine::Tape& tape) const;
  const engine::Tensor& targets() const { return targets_; }

 private:
  engine::Tensor faces_, augmentations_, targets_, mean_, inv_std_;
  engine::DType dtype_;
  std::optional<engine::Staging> staging_;  // where there are targets
};

}  // namespace fermion::fer
