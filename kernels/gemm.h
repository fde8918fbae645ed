// The shape of the matrix product of kernels/gemm.cuh. Host code, in builds without CUDA too.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/context.h"

namespace fermion::kernels {

inline constexpr int gemm_depth = 16;

// The depth may be cut into splits, each with a C of its own: [K, splits, M, N].
struct Gemm {
  std::int64_t K = 1, M = 1, N = 1, depth = 1;
  std::int64_t splits = 1;

  // Of every split but the last.
  FERMION_HOST_DEVICE std::int64_t split_depth() const {
    return (depth + splits * gemm_depth - 1) / (splits * gemm_depth) * gemm_depth;
  }
};

// For gradients of weights: few numbers, a long depth.
//
// dims with as many splits as make some 512 blocks, but none less than 256 deep. By the shape alone, so that
// every chip sums in the same order.
inline Gemm with_splits(Gemm dims) {
  const std::int64_t tiles = dims.K * blocks_for(dims.M, 64) * blocks_for(dims.N, 64);
  const std::int64_t most = std::min(dims.depth / 256, 512 / std::max<std::int64_t>(tiles, 1));
  dims.splits = std::max<std::int64_t>(most, 1);
  if (dims.depth > 0) dims.splits = blocks_for(dims.depth, dims.split_depth());
  return dims;
}

}  // namespace fermion::kernels
