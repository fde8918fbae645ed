// How kernels that work per channel cut items [K, items, C], pixels mostly, into blocks: threadIdx.x walks up
// to 8 vectors of channels, a line of the cache, threadIdx.y the items of the block's chunk. So a warp loads
// what it needs of a channel once for several rows of threads. Grid: x chunks, y vectors, z weight sets.
#pragma once

#include "kernels/launch.cuh"

namespace fermion::kernels {

inline constexpr int channel_threads = 256;

struct ChannelChunks {
  std::int64_t items, C;  // of one weight set
  std::int64_t chunk;     // items of a block

  // The first of the thread's N channels; C or more where it has none.
  template <int N>
  __device__ std::int64_t channel() const {
    return (std::int64_t{blockIdx.y} * blockDim.x + threadIdx.x) * N;
  }
  // Calls body(item) for the thread's items, counted over all weight sets.
  template <class Body>
  __device__ void for_each(const Body& body) const {
    const std::int64_t first = blockIdx.x * chunk, last = min(first + chunk, items);
    for (std::int64_t i = first + threadIdx.y; i < last; i += blockDim.y) body(blockIdx.z * items + i);
  }
};

struct ChannelBlocks : ChannelChunks {
  dim3 block;
  Grid grid;
};

// per_thread: items.
inline ChannelBlocks channel_blocks(std::int64_t K, std::int64_t items, std::int64_t C, int vector,
                                    std::int64_t per_thread) {
  unsigned width = 1;
  while (width < 8 && width < C / vector) width *= 2;
  const dim3 block(width, channel_threads / width);
  const std::int64_t chunk = per_thread * block.y;
  return {{items, C, chunk}, block, {blocks_for(items, chunk), blocks_for(C / vector, width), K}};
}

}  // namespace fermion::kernels
