// Philox 4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011): a
// counter-based generator. Word (index mod 4) of the block with counter (index / 4, stream, step) and key
// `seed` is the number that belongs to `index`, whoever asks for it, in whatever order, on whatever device.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/host_device.h"

namespace fermion::kernels {

struct PhiloxBlock {
  std::uint32_t word[4];
};

FERMION_HOST_DEVICE inline PhiloxBlock philox(PhiloxBlock counter, std::uint32_t key0, std::uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53} * counter.word[0];
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57} * counter.word[2];
    counter = {{static_cast<std::uint32_t>(product1 >> 32) ^ counter.word[1] ^ key0,
                static_cast<std::uint32_t>(product1),
                static_cast<std::uint32_t>(product0 >> 32) ^ counter.word[3] ^ key1,
                static_cast<std::uint32_t>(product0)}};
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  return counter;
}

// The numbers of one stochastic op (or one parameter's initialisation) at one step.
struct Random {
  std::uint64_t seed = 0;
  std::uint32_t stream = 0;  // which op or parameter
  std::uint32_t step = 0;

  FERMION_HOST_DEVICE PhiloxBlock block(std::uint64_t index) const {
    return philox(
        {{static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), stream, step}},
        static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32));
  }
  FERMION_HOST_DEVICE std::uint32_t bits(std::uint64_t index) const {
    return block(index / 4).word[index % 4];
  }

  // Uniform in (0, 1): the middle of one of 2^24 equal cells.
  FERMION_HOST_DEVICE static double unit(std::uint32_t word) { return ((word >> 8) + 0.5) * 0x1p-24; }
  FERMION_HOST_DEVICE double uniform(std::uint64_t index) const { return unit(bits(index)); }

  // Standard normal, Box and Muller in f64: indices 2i and 2i + 1 are the cosine and the sine of one pair of
  // words.
  double normal(std::uint64_t index) const {
    const PhiloxBlock words = block(index / 4);
    const int pair = static_cast<int>(index % 4) / 2 * 2;
    const double radius = std::sqrt(-2.0 * std::log(unit(words.word[pair])));
    const double angle = 2.0 * 3.14159265358979323846 * unit(words.word[pair + 1]);
    return radius * (index % 2 == 0 ? std::cos(angle) : std::sin(angle));
  }
};

// What a stochastic kernel is given: the step stays in device memory, so that a replayed CUDA graph draws
// anew.
struct RandomSource {
  std::uint64_t seed = 0;
  std::uint32_t stream = 0;
  const std::int32_t* step = nullptr;

  FERMION_HOST_DEVICE Random now() const { return {seed, stream, static_cast<std::uint32_t>(*step)}; }
};

// Stream of a name: FNV-1a, 32 bits. Parameters draw from the stream of their module path.
constexpr std::uint32_t stream_of(const char* name) {
  std::uint32_t hash = 2166136261u;
  for (; *name; ++name) hash = (hash ^ static_cast<unsigned char>(*name)) * 16777619u;
  return hash;
}

}  // namespace fermion::kernels
