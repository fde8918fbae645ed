// The convolutions of the presets, for benchmarks.
#pragma once

#include <string>
#include <vector>

#include "kernels/conv2d.h"
#include "tests/harness.h"

namespace fermion::test {

struct ConvLayer {
  std::string name;
  kernels::Conv2d dims;
  int count;  // how often the network has one of these shapes
};

// Batch N, images of size x size pixels, width c, `depth` poolings, a 4 x 4 grid of regions (docs/method.md).
inline void add_conv_layers(std::vector<ConvLayer>& list, const std::string& preset, std::int64_t N,
                            std::int64_t size, std::int64_t c, int depth) {
  const auto add = [&](const std::string& name, kernels::Conv2d dims, int count = 1) {
    list.push_back({preset + ", " + name, dims, count});
  };
  for (int i = 0; i <= depth; ++i) {
    const std::int64_t side = size >> i, width = c << i;
    add("enc." + std::to_string(i) + ".conv1", {1, N, side, side, i == 0 ? 3 : width / 2, 0, width});
    // The decoder's second convolution at this level has the same shape.
    add("enc." + std::to_string(i) + ".conv2", {1, N, side, side, width, 0, width}, i < depth ? 2 : 1);
  }
  for (int i = 0; i < depth; ++i) {
    const int level = depth - 1 - i;
    const std::int64_t side = size >> level, width = c << level;
    add("dec." + std::to_string(i) + ".conv1", {1, N, side, side, width, width, width});
  }
  const std::int64_t half = size / 2, quarter = size / 4;
  add("local.conv1", {16, N, quarter, quarter, c, 0, 2 * c});
  add("local.conv2", {16, N, quarter / 2, quarter / 2, 2 * c, 0, 4 * c});
  add("local.conv3", {16, N, quarter / 4, quarter / 4, 4 * c, 0, 4 * c});
  add("non_local.conv1", {1, N, size, size, c, 0, 2 * c, 3, 2});
  add("non_local.conv2", {1, N, half, half, 2 * c, 0, 4 * c, 3, 2});
  add("non_local.conv3", {1, N, quarter, quarter, 4 * c, 0, 4 * c});
  add("non_local.block.qkv", {1, N, quarter, quarter, 4 * c, 0, 6 * c, 1}, 2);
  add("non_local.block.out", {1, N, quarter, quarter, 2 * c, 0, 4 * c, 1}, 2);
}

inline std::vector<ConvLayer> conv_layers(Batches batch = {}) {
  std::vector<ConvLayer> list;
  add_conv_layers(list, "lnl-tiny", batch.tiny, 64, 16, 3);
  add_conv_layers(list, "lnl-base", batch.base, 112, 32, 4);
  return list;
}

}  // namespace fermion::test
