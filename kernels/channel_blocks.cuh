// How kernels that work per channel cut pixels [K, pixels, C] into blocks: threadIdx.x walks up to 32 vectors
// of channels, threadIdx.y the pixels of the block's chunk. Grid: x chunks, y vectors, z weight sets.
#pragma once

#include "kernels/launch.cuh"

namespace fermion::kernels {

inline constexpr int channel_threads = 256;

struct ChannelBlocks {
  std::int64_t pixels, C;  // of one weight set
  std::int64_t chunk = 0;  // pixels of a block
  dim3 block = {};
  Grid grid = {};
};

// per_thread: pixels.
inline ChannelBlocks channel_blocks(std::int64_t K, std::int64_t pixels, std::int64_t C, int vector,
                                    std::int64_t per_thread) {
  ChannelBlocks blocks{pixels, C};
  unsigned width = 1;
  while (width < 32 && width < C / vector) width *= 2;
  blocks.block = dim3(width, channel_threads / width);
  blocks.chunk = per_thread * blocks.block.y;
  blocks.grid = {blocks_for(pixels, blocks.chunk), blocks_for(C / vector, width), K};
  return blocks;
}

}  // namespace fermion::kernels
