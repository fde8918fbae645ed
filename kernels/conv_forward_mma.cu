#include <algorithm>
#include <stdexcept>

#include "kernels/conv_forward_mma.h"
#include "kernels/conv_mma.cuh"

namespace fermion::kernels {
namespace {

// Of a 1x1 convolution all pixels are one image: its tiles may be cut anywhere.
PixelTiles tiles_of(const Conv2d& dims) {
  const auto N = static_cast<int>(dims.N), H = static_cast<int>(dims.H), W = static_cast<int>(dims.W);
  if (dims.kernel == 3) return pixel_tiles(N, H, W, 1);
  for (const int width : {14, 16})
    if (dims.N * dims.H * dims.W % width == 0) return pixel_tiles(1, N * H * W / width, width, 0);
  return pixel_tiles(N, H, W, 0);
}

template <class Block>
void run(Cuda ctx, const Conv2d& dims, ConvMma conv) {
  const Chip on = chip();
  const int shared = Block::shared_bytes(conv.tiles, conv.chunks);
  const std::int64_t columns = blocks_for(dims.Co, Block::channels),
                     items = blocks_for(conv.tiles.count(), Block::tiles);
  const int resident_blocks = std::clamp(on.shared_bytes / shared, 1, 256 / Block::threads);
  const std::int64_t slots =
      std::max<std::int64_t>(on.multiprocessors * resident_blocks / (columns * dims.K), 1);
  // As many blocks as do the work in as few rounds.
  const std::int64_t blocks = blocks_for(items, blocks_for(items, slots));
  if (conv.y.mean) {
    if (columns * dims.K > Cuda::counter_count)
      throw std::runtime_error("conv2d: too many channels or weight sets");
    conv.moments = ctx.workspace.take<Moments>(dims.K * blocks * dims.Co);
    conv.counters = ctx.counters;
  }
  launch(ctx, conv_kernel<Block>, {blocks, columns, dims.K}, Block::threads, static_cast<std::size_t>(shared),
         conv);
}

// True where it has run: the weights of all channels fit.
template <class Block>
bool run_resident(Cuda ctx, const Conv2d& dims, const ConvMma& conv) {
  if (Block::shared_bytes(conv.tiles, conv.chunks) > chip().shared_bytes) return false;
  run<Block>(ctx, dims, conv);
  return true;
}

template <int Fragments, int Kernel>
void run_widths(Cuda ctx, const Conv2d& dims, const ConvMma& conv) {
  if constexpr (Kernel == 3)
    if (dims.Co <= 32 && run_resident<ConvBlock<Fragments, 8, 1, Kernel, true>>(ctx, dims, conv)) return;
  if (!run_resident<ConvBlock<Fragments, 4, 2, Kernel, true>>(ctx, dims, conv))
    run<ConvBlock<Fragments, 4, 2, Kernel, false>>(ctx, dims, conv);
}

}  // namespace

bool fits_tensor_cores(const Conv2d& dims) {
  const std::int64_t all = dims.K * dims.N * dims.H * dims.W;
  return dims.stride == 1 && dims.first_channels % 16 == 0 && dims.second_channels % 16 == 0 &&
         dims.Co % 8 == 0 && all < INT32_MAX;
}

void conv2d_forward_mma(Cuda ctx, const Conv2d& dims, const Conv2dInput<bf16>& x, const float* weight,
                        const Conv2dOutput<bf16>& y) {
  const ConvMma conv{.tiles = tiles_of(dims),
                     .first_chunks = static_cast<int>(dims.first_channels / 16),
                     .chunks = static_cast<int>(dims.Ci() / 16),
                     .Co = static_cast<int>(dims.Co),
                     .x = x,
                     .weight = weight,
                     .y = y};
  const bool narrow = conv.tiles.width == 14;
  if (dims.kernel == 3)
    narrow ? run_widths<7, 3>(ctx, dims, conv) : run_widths<4, 3>(ctx, dims, conv);
  else
    narrow ? run_widths<7, 1>(ctx, dims, conv) : run_widths<4, 1>(ctx, dims, conv);
}

}  // namespace fermion::kernels
