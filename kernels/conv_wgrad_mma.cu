#include "kernels/conv_launch.cuh"
#include "kernels/conv_wgrad_launch.cuh"
#include "kernels/conv_wgrad_mma.h"

namespace fermion::kernels {
namespace {

template <class Block>
bool fits(const ConvWgrad& conv) {
  return Block::shared_bytes(conv.tiles) <= most_shared_bytes();
}

// 3x3, by eight warps: those that are not needed for channels share the pixels.
template <int Fragments, int Stride>
void run_shapes(Cuda ctx, const Conv2d& dims, const ConvWgrad& conv, Gradient<float> dweight) {
  const auto [made, read] = wgrad_widths(3, conv.Co, conv.Ci);
  if (made == 32)
    read == 32 ? run_wgrad<WgradBlock<Fragments, 1, 2, 4, 3, Stride>>(ctx, dims, conv, dweight)
               : run_wgrad<WgradBlock<Fragments, 1, 4, 2, 3, Stride>>(ctx, dims, conv, dweight);
  else if (read == 32 || !fits<WgradBlock<Fragments, 2, 4, 1, 3, Stride>>(conv))
    // Of tiles of narrow images, 64 channels are too many for a block that has 99 KiB.
    run_wgrad<WgradBlock<Fragments, 2, 2, 2, 3, Stride>>(ctx, dims, conv, dweight);
  else
    run_wgrad<WgradBlock<Fragments, 2, 4, 1, 3, Stride>>(ctx, dims, conv, dweight);
}

template <int Fragments>
void run_stride_1(Cuda ctx, const Conv2d& dims, const ConvWgrad& conv, Gradient<float> dweight) {
  if (dims.kernel == 3) return run_shapes<Fragments, 1>(ctx, dims, conv, dweight);
  wgrad_widths(1, conv.Co, conv.Ci).read == 64
      ? run_wgrad<WgradBlock<Fragments, 2, 1, 4, 1, 1>>(ctx, dims, conv, dweight)
      : run_wgrad<WgradBlock<Fragments, 2, 2, 2, 1, 1>>(ctx, dims, conv, dweight);
}

}  // namespace

void conv2d_weight_gradient_mma(Cuda ctx, const Conv2d& dims, const Conv2dInput<bf16>& x, const bf16* dy,
                                Gradient<float> dweight) {
  const ConvWgrad conv{.tiles = conv_tiles(dims),
                       .Co = static_cast<int>(dims.Co),
                       .first_channels = static_cast<int>(dims.first_channels),
                       .Ci = static_cast<int>(dims.Ci()),
                       .x = x,
                       .dy = dy,
                       .sums = {}};
  if (dims.stride == 2)
    run_shapes<4, 2>(ctx, dims, conv, dweight);
  else if (conv.tiles.width == 14)
    run_stride_1<7>(ctx, dims, conv, dweight);
  else
    run_stride_1<4>(ctx, dims, conv, dweight);
}

}  // namespace fermion::kernels
