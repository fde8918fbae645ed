// The augmentation of training faces: which parameters the `augment` op is given (kernels/augment.h).
#pragma once

#include <cstdint>

#include "kernels/augment.h"

namespace fermion::fer {

struct AugmentOptions {
  bool enabled = true;      // false: the identity, as in evaluation
  double flip = 0.5;        // probability of a mirror image
  double shift = 0.08;      // up to this share of width and height, either way
  double scale = 0.05;      // by a factor in 1 - scale .. 1 + scale
  double rotation = 10;     // degrees, either way
  double brightness = 0.2;  // by a factor in 1 - brightness .. 1 + brightness
  double erase = 0;         // probability of an erased rectangle
};

// A rectangle that is erased covers so much of the image, its sides in a ratio of 1/3 .. 3 (Zhong, Zheng,
// Kang, Li, Yang, "Random erasing data augmentation", AAAI 2020). It lies inside.
inline constexpr double smallest_erased_area = 0.02, largest_erased_area = 0.25, largest_erased_ratio = 3;

// Sample `index` of a set in `epoch`: mirrored, turned and scaled about its centre, shifted, all uniformly
// drawn from Philox by (seed, epoch, index), so that the order of loading does not matter.
kernels::AugmentParameters draw_augmentation(const AugmentOptions& options, std::uint64_t seed,
                                             std::uint32_t epoch, std::uint64_t index, int width, int height);

}  // namespace fermion::fer
