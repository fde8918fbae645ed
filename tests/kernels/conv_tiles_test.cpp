// How many blocks share tiles (kernels/conv_tiles.h).
#include "kernels/conv_tiles.h"

#include <doctest/doctest.h>

using namespace fermion::kernels;

namespace {

constexpr std::int64_t bytes = 256 * 4 * 112;  // of a block's sums, 4 tiles of 112 pixels by 64 channels

}  // namespace

TEST_CASE("blocks share tiles where that takes less time") {
  // 16 blocks of 32 steps for 132 multiprocessors: by 8, 4 x 4.3 + 2.7 + 8 x 1.04 = 28.3 us instead of 137.6.
  // By 7 it would be 31.5, by 16, in two rounds, 39.3.
  CHECK(blocks_that_share(32, 3, bytes, 16, 132) == 8);
  // Nearly two rounds are full as they are; one and a quarter are not.
  CHECK(blocks_that_share(32, 3, bytes, 260, 132) == 1);
  CHECK(blocks_that_share(32, 3, bytes, 165, 132) > 1);
  // One step cannot be shared.
  CHECK(blocks_that_share(1, 3, bytes, 2, 132) == 1);
}

TEST_CASE("what blocks that share tiles leave fits the cache") {
  int shared = 0;
  for (std::int64_t blocks = 1; blocks < 2000; blocks += 7) {
    const int share = blocks_that_share(64, 3, bytes, blocks, 132);
    if (share == 1) continue;
    ++shared;
    CHECK(blocks * share * bytes <= 40 << 20);
  }
  CHECK(shared > 10);
}

TEST_CASE("blocks of a convolution: of tiles, of channels, of weight sets") {
  // 16 images of 7 x 7 pixels, two side by side: 8 tiles; 512 channels: 8 columns.
  const Conv2d dims{.N = 16, .H = 7, .W = 7, .first_channels = 512, .Co = 512, .kernel = 3};
  const DepthBlocks blocks(conv_tiles(dims), 32, 3, dims.Co, 1, 132);
  CHECK(blocks.items == 2);
  CHECK(blocks.columns == 8);
  CHECK(blocks.bytes == bytes);
  CHECK(blocks.of_tile == 8);
  CHECK(blocks.scratch() == 2.0 * 2 * 8 * 8 * bytes);
  // Narrow ones have blocks of their own kind.
  CHECK(DepthBlocks(conv_tiles(dims), 32, 3, 32, 1, 132).of_tile == 1);
}
