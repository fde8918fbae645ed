#include "kernels/rng.h"

#include <cmath>
#include <doctest/doctest.h>

using namespace fermion::kernels;

TEST_CASE("Philox 4x32-10 gives the vectors that its authors publish") {
  // kat_vectors of Random123.
  const struct {
    PhiloxBlock counter;
    std::uint32_t key[2];
    PhiloxBlock expected;
  } vectors[] = {
      {{{0, 0, 0, 0}}, {0, 0}, {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}}},
      {{{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}},
       {0xffffffff, 0xffffffff},
       {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}}},
      {{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}},
       {0xa4093822, 0x299f31d0},
       {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}},
  };
  for (const auto& [counter, key, expected] : vectors) {
    const PhiloxBlock block = philox(counter, key[0], key[1]);
    for (int i = 0; i < 4; ++i) CHECK(block.word[i] == expected.word[i]);
    // The same through index, stream, step and seed.
    const Random random{key[0] | std::uint64_t{key[1]} << 32, counter.word[2], counter.word[3]};
    const PhiloxBlock same = random.block(counter.word[0] | std::uint64_t{counter.word[1]} << 32);
    for (int i = 0; i < 4; ++i) CHECK(same.word[i] == expected.word[i]);
  }
  CHECK(Random{}.bits(3) == 0x9b00dbd8);
  CHECK(Random{}.bits(4) == philox({{1, 0, 0, 0}}, 0, 0).word[0]);
}

TEST_CASE("streams of names are FNV-1a, as published") {
  CHECK(stream_of("") == 0x811c9dc5);
  CHECK(stream_of("a") == 0xe40c292c);
  CHECK(stream_of("foobar") == 0xbf9cf968);
}

TEST_CASE("uniform numbers lie inside (0, 1), normal ones have their moments") {
  CHECK(Random::unit(0) > 0);
  CHECK(Random::unit(0xffffffff) < 1);
  const Random random{3, 5, 7};
  constexpr int count = 100'000;
  double sum = 0, squares = 0, products = 0, fourth = 0;
  for (std::uint64_t i = 0; i < count; i += 2) {
    const double a = random.normal(i), b = random.normal(i + 1);
    sum += a + b;
    squares += a * a + b * b;
    fourth += std::pow(a, 4) + std::pow(b, 4);
    products += a * b;
  }
  // Five standard deviations of each mean.
  const double five = 5 / std::sqrt(count);
  CHECK(std::abs(sum / count) < five);
  CHECK(std::abs(squares / count - 1) < five * std::sqrt(2.0));
  CHECK(std::abs(fourth / count - 3) < five * std::sqrt(96.0));
  CHECK(std::abs(products / (count / 2)) < five * std::sqrt(2.0));
}
