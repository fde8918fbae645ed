// Which blocks of kernels/conv_mma.cuh a convolution is made by, and how many.
#pragma once

#include <algorithm>
#include <stdexcept>

#include "kernels/conv_depth.cuh"
#include "kernels/conv_mma.cuh"
#include "kernels/conv_tiles.h"
#include "kernels/launch.cuh"

namespace fermion::kernels {

inline DepthBlocks depth_blocks(Cuda ctx, const Conv2d& dims, const ConvMma& conv, int kernel) {
  return {conv.tiles, conv.chunks, kernel, conv.Co, dims.K, ctx.multiprocessors};
}

template <class Block, class Output>
int shared_bytes_of(const ConvMma& conv) {
  return Block::shared_bytes(conv.tiles, conv.chunks) + Output::template shared_bytes<Block>();
}

template <class Block, class Output>
void run_conv(Cuda ctx, const Conv2d& dims, ConvMma conv, Output output, bool sums) {
  const int shared = shared_bytes_of<Block, Output>(conv);
  const std::int64_t columns = blocks_for(conv.Co, Block::channels);
  std::int64_t items = blocks_for(conv.tiles.count, Block::tiles), blocks_of_item = 1;
  if (Block::depth == Depth::split) {
    blocks_of_item = depth_blocks(ctx, dims, conv, Block::kernel).of_tile;
  } else {
    const int resident_blocks = std::clamp(most_shared_bytes() / shared, 1, 256 / Block::threads);
    items = blocks_in_rounds(items, ctx.multiprocessors * resident_blocks / (columns * dims.K));
  }
  const std::int64_t counters = columns * dims.K * ((sums ? 1 : 0) + (blocks_of_item > 1 ? items : 0));
  if (counters > Cuda::counter_count) throw std::runtime_error("conv2d: too many channels or weight sets");
  if (sums) {
    output.rows = ctx.workspace.take<typename Output::Row>(dims.K * items * conv.Co);
    output.counters = ctx.counters;
  }
  const Grid grid{items * blocks_of_item, columns, dims.K};
  if (Block::depth == Depth::split)
    conv.split = {static_cast<int>(blocks_of_item),
                  ctx.workspace.take<float4>(grid.x * grid.y * grid.z * block_sums<Block>),
                  ctx.counters + (sums ? columns * dims.K : 0)};
  launch(ctx, conv_kernel<Block, Output>, grid, Block::threads, static_cast<std::size_t>(shared), conv,
         output);
}

// True where it has run: the device has the memory.
template <class Block, class Output>
bool run_fitting(Cuda ctx, const Conv2d& dims, const ConvMma& conv, const Output& output, bool sums) {
  if (shared_bytes_of<Block, Output>(conv) > most_shared_bytes()) return false;
  run_conv<Block>(ctx, dims, conv, output, sums);
  return true;
}

template <bool Gradient, int Fragments, int Kernel, int Stride, class Output>
bool run_widths(Cuda ctx, const Conv2d& dims, const ConvMma& conv, const Output& output, bool sums) {
  const auto runs = [&](auto block) { return run_fitting<decltype(block)>(ctx, dims, conv, output, sums); };
  if constexpr (!Gradient || Stride == 1)
    if (depth_blocks(ctx, dims, conv, Kernel).of_tile > 1 &&
        runs(ConvBlock<Gradient, Fragments, 4, 2, Kernel, Stride, Depth::split>{}))
      return true;
  if constexpr (has_narrow_blocks(Kernel, Gradient ? 1 : Stride))
    if (conv.Co <= 32 && runs(ConvBlock<Gradient, Fragments, 8, 1, Kernel, Stride, Depth::resident>{}))
      return true;
  if (runs(ConvBlock<Gradient, Fragments, 4, 2, Kernel, Stride, Depth::resident>{}) ||
      runs(ConvBlock<Gradient, Fragments, 4, 2, Kernel, Stride, Depth::streamed>{}))
    return true;
  // A block of a GPU of compute capability 8.6, 8.9 or 12 has 99 KiB; there tiles of 7 fragments are not
  // shared.
  if constexpr (Kernel == 3 && Stride == 1)
    return runs(ConvBlock<Gradient, Fragments, 4, 1, Kernel, Stride, Depth::streamed>{});
  return false;
}

// `sums`: the output wants them. False, and nothing is queued, where the device has no memory for it.
template <bool Gradient, class Output>
bool conv_mma(Cuda ctx, const Conv2d& dims, const ConvMma& conv, const Output& output, bool sums) {
  const bool narrow = conv.tiles.width == 14;
  constexpr int strided_fragments = Gradient ? 2 : 4;
  if (dims.stride == 2) return run_widths<Gradient, strided_fragments, 3, 2>(ctx, dims, conv, output, sums);
  if (dims.kernel == 3)
    return narrow ? run_widths<Gradient, 7, 3, 1>(ctx, dims, conv, output, sums)
                  : run_widths<Gradient, 4, 3, 1>(ctx, dims, conv, output, sums);
  return narrow ? run_widths<Gradient, 7, 1, 1>(ctx, dims, conv, output, sums)
                : run_widths<Gradient, 4, 1, 1>(ctx, dims, conv, output, sums);
}

}  // namespace fermion::kernels
