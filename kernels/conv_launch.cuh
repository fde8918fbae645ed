// Which blocks of kernels/conv_mma.cuh a convolution is made by, and how many.
#pragma once

#include <algorithm>
#include <stdexcept>

#include "kernels/conv_depth.cuh"
#include "kernels/conv_mma.cuh"
#include "kernels/conv_tiles.h"
#include "kernels/launch.cuh"

namespace fermion::kernels {

// How many blocks make a launch.
template <class Block, class Output>
struct ConvGrid {
  int shared;  // bytes
  std::int64_t columns, blocks;
  int of_tile = 1;

  ConvGrid(Cuda ctx, const Conv2d& dims, const ConvMma& conv)
      : shared(Block::shared_bytes(conv.tiles, conv.chunks) + Output::template shared_bytes<Block>()),
        columns(blocks_for(conv.Co, Block::channels)) {
    const std::int64_t items = blocks_for(conv.tiles.count, Block::tiles);
    const int resident_blocks = std::clamp(most_shared_bytes() / shared, 1, 256 / Block::threads);
    const std::int64_t slots = std::int64_t{ctx.multiprocessors} * resident_blocks / (columns * dims.K);
    if (Block::depth == Depth::split)
      of_tile = blocks_of_tile(conv.chunks, Block::taps, 16 * block_sums<Block>, slots / items);
    blocks = Block::depth == Depth::split ? items * of_tile : blocks_in_rounds(items, slots);
  }
};

template <class Block, class Output>
void run_conv(Cuda ctx, const Conv2d& dims, ConvMma conv, Output output, bool sums) {
  const ConvGrid<Block, Output> grid(ctx, dims, conv);
  const std::int64_t columns = grid.columns * dims.K;
  if (sums) {
    if (columns > Cuda::counter_count) throw std::runtime_error("conv2d: too many channels or weight sets");
    output.rows = ctx.workspace.take<typename Output::Row>(dims.K * grid.blocks / grid.of_tile * conv.Co);
    output.counters = ctx.counters;
  }
  if (Block::depth == Depth::split)
    conv.split = {grid.of_tile, ctx.workspace.take<float4>(columns * grid.blocks * block_sums<Block>),
                  ctx.counters + columns};
  launch(ctx, conv_kernel<Block, Output>, {grid.blocks, grid.columns, dims.K}, Block::threads,
         static_cast<std::size_t>(grid.shared), conv, output);
}

// True where it has run: the device has the memory.
template <class Block, class Output>
bool run_fitting(Cuda ctx, const Conv2d& dims, const ConvMma& conv, const Output& output, bool sums) {
  if (ConvGrid<Block, Output>(ctx, dims, conv).shared > most_shared_bytes()) return false;
  run_conv<Block>(ctx, dims, conv, output, sums);
  return true;
}

template <bool Gradient, int Fragments, int Kernel, int Stride, class Output>
bool run_widths(Cuda ctx, const Conv2d& dims, const ConvMma& conv, const Output& output, bool sums) {
  const auto runs = [&](auto block) { return run_fitting<decltype(block)>(ctx, dims, conv, output, sums); };
  using Split = ConvBlock<Gradient, Fragments, 4, 2, Kernel, Stride, Depth::split>;
  if (conv.Co > 32 && ConvGrid<Split, Output>(ctx, dims, conv).of_tile > 1 && runs(Split{})) return true;
  // Of stride 2, the pixels of eight tiles fill too much memory.
  if constexpr (Kernel == 3 && (Gradient || Stride == 1))
    if (conv.Co <= 32 && runs(ConvBlock<Gradient, Fragments, 8, 1, Kernel, Stride, Depth::resident>{}))
      return true;
  if (runs(ConvBlock<Gradient, Fragments, 4, 2, Kernel, Stride, Depth::resident>{}) ||
      runs(ConvBlock<Gradient, Fragments, 4, 2, Kernel, Stride, Depth::streamed>{}))
    return true;
  // A block of a GPU of compute capability 8.6, 8.9 or 12 has 99 KiB.
  if constexpr (Kernel == 3 && Stride == 1)
    return runs(ConvBlock<Gradient, Fragments, 4, 1, Kernel, Stride, Depth::streamed>{});
  return false;
}

// `sums`: the output wants them. False, and nothing is queued, where the device has no memory for it.
template <bool Gradient, class Output>
bool conv_mma(Cuda ctx, const Conv2d& dims, const ConvMma& conv, const Output& output, bool sums) {
  const bool narrow = conv.tiles.width == 14;
  if (dims.stride == 2)
    return run_widths < Gradient, Gradient ? 2 : 4, 3, 2 > (ctx, dims, conv, output, sums);
  if (dims.kernel == 3)
    return narrow ? run_widths<Gradient, 7, 3, 1>(ctx, dims, conv, output, sums)
                  : run_widths<Gradient, 4, 3, 1>(ctx, dims, conv, output, sums);
  return narrow ? run_widths<Gradient, 7, 1, 1>(ctx, dims, conv, output, sums)
                : run_widths<Gradient, 4, 1, 1>(ctx, dims, conv, output, sums);
}

}  // namespace fermion::kernels
