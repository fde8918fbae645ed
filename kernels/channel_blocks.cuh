// How kernels that work per channel cut items [K, items, C], pixels mostly, into blocks: threadIdx.x walks
// vectors of channels, 64 bytes of them, threadIdx.y the items of the block's chunk. So a warp loads what it
// needs of a channel, such as a norm, once for several rows of threads. Grid: x vectors, so that blocks which
// share lines of the cache run at the same time; y chunks, z weight sets.
#pragma once

#include <algorithm>

#include "kernels/launch.cuh"

namespace fermion::kernels {

inline constexpr int channel_threads = 256;

struct ChannelChunks {
  std::int64_t items, C;  // of one weight set
  std::int64_t chunk;     // items of a block

  // The first of the thread's N channels; C or more where it has none.
  template <int N>
  __device__ std::int64_t channel() const {
    return (std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x) * N;
  }
  // Calls use(item, load(item)) for the thread's items, counted over all weight sets. `Batch` items are
  // loaded before the first of them is used: a compiler cannot know that what is stored for it is not loaded
  // next.
  template <int Batch, class Load, class Use>
  __device__ void for_each(const Load& load, const Use& use) const {
    const std::int64_t first = blockIdx.y * chunk, end = blockIdx.z * items + min(first + chunk, items);
    std::int64_t i = blockIdx.z * items + first + threadIdx.y;
    for (const std::int64_t step = blockDim.y; i < end; i += Batch * step) {
      decltype(load(i)) loaded[Batch];
#pragma unroll
      for (int b = 0; b < Batch; ++b)
        if (i + b * step < end) loaded[b] = load(i + b * step);
#pragma unroll
      for (int b = 0; b < Batch; ++b)
        if (i + b * step < end) use(i + b * step, loaded[b]);
    }
  }
};

struct ChannelBlocks : ChannelChunks {
  dim3 block;
  Grid grid;
};

// The smallest power of two from `count`, at most `most`.
inline unsigned lanes_for(std::int64_t count, std::int64_t most) {
  unsigned lanes = 1;
  while (lanes < most && lanes < count) lanes *= 2;
  return lanes;
}

// Threads that take 64 bytes of T by vectors of so many numbers, or all channels where these are less.
template <class T>
unsigned lanes_of_channels(std::int64_t C, int vector) {
  return lanes_for(C / vector, std::min<std::int64_t>(64 / (vector * sizeof(T)), 32));
}

// Two blocks for each multiprocessor, but for a thread from 4 to 64 items, so that sums in f32 stay short.
template <class T>
ChannelBlocks channel_blocks(Cuda ctx, std::int64_t K, std::int64_t items, std::int64_t C, int vector) {
  const unsigned lanes = lanes_of_channels<T>(C, vector);
  const dim3 block(lanes, channel_threads / lanes);
  const std::int64_t columns = blocks_for(C / vector, lanes), wanted = 2 * ctx.multiprocessors;
  std::int64_t chunk = blocks_for(items, blocks_for(wanted, std::max<std::int64_t>(columns * K, 1)));
  chunk = std::clamp<std::int64_t>(chunk, 4 * block.y, 64 * block.y);
  chunk = std::max(chunk, blocks_for(items, 0xFFFF));  // more a grid cannot have
  return {{items, C, chunk}, block, {columns, blocks_for(items, chunk), K}};
}

}  // namespace fermion::kernels
