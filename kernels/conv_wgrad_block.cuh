// What one launch of a convolution's gradient by its weights does (kernels/conv_wgrad.cuh), and how a block
// is laid out.
#pragma once

#include <algorithm>

#include "kernels/conv_block.cuh"
#include "kernels/doubled_pixels.h"

namespace fermion::kernels {

struct ConvWgrad {
  PixelTiles tiles;
  int Co, first_channels, Ci;
  Conv2dInput<bf16> x;
  const bf16* dy;        // [K, pixels, Co]
  Gradient<float> sums;  // [K, gridDim.x, Co, taps, Ci]
  DoubledPixels doubled = {};
};

template <int Fragments, int M_, int N_, int P_, int Kernel, int Stride>
struct WgradBlock {
  using Tap = ConvTap<false, Kernel, Stride>;
  static constexpr int fragments = Fragments, M = M_, N = N_, P = P_;
  static constexpr bool doubling = false;
  static constexpr int taps = Kernel * Kernel, threads = 32 * M * N * P;
  static constexpr int spread = Kernel == 3 ? 1 : 4;
  static constexpr int made = 32 * M, read = 16 * spread * N;  // output and input channels
  static constexpr int dy_planes = made / 8, x_planes = read / 8;
  static constexpr int pixels = 16 * Fragments,
                       dy_plane = 16 * (pixels + 8 / (dy_planes < 8 ? dy_planes : 8));

  // Where most images lie side by side.
  static constexpr int most_inputs = TilePixels<Fragments, Kernel, Stride>::most_inputs;
  static constexpr int x_vectors = (x_planes * most_inputs + threads - 1) / threads;
  static constexpr int dy_vectors = (dy_planes * pixels + threads - 1) / threads;
  static_assert(threads % x_planes == 0 && threads % dy_planes == 0);

  // A warp's steps through a tile; in each some of the next tile's vectors are on their way.
  static constexpr int steps = (Fragments + P - 1) / P, in_step = (x_vectors + steps - 1) / steps;

  static constexpr int sums = taps * spread * 2 * 2 * 4;  // of a thread

  static int shared_bytes(const PixelTiles& tiles) {
    const int staged = 2 * (x_planes * 16 * tiles.slots(x_planes) + dy_planes * dy_plane) + 4 * pixels +
                       8 * x_vectors * (threads / x_planes);
    // In the end the sums of warps that are added up take their place.
    return P > 1 ? std::max(staged, M * N * 32 * 4 * sums) : staged;
  }
};

// The transposed 2x2 convolution, as a 1x1 one of 4 C output channels: channel tap C + c of a pixel is c of
// dy at that tap.
template <int Fragments, int N_, int P_>
struct DoublingWgradBlock : WgradBlock<Fragments, 2, N_, P_, 1, 1> {
  static constexpr bool doubling = true;
};

// Where a block's things lie in shared memory.
template <class Block>
struct WgradShared {
  char *x, *dy;
  PixelTiles::Input* inputs;  // the input pixels of the next tile
  int* slots;                 // of the tile's output pixels at tap (0, 0)
  int x_plane;                // bytes

  __device__ explicit WgradShared(const ConvWgrad& conv) {
    extern __shared__ uint4 memory[];
    x_plane = 16 * conv.tiles.slots(Block::x_planes);
    x = reinterpret_cast<char*>(memory);
    dy = x + 2 * Block::x_planes * x_plane;
    inputs = reinterpret_cast<PixelTiles::Input*>(dy + 2 * Block::dy_planes * Block::dy_plane);
    slots = reinterpret_cast<int*>(inputs + Block::x_vectors * (Block::threads / Block::x_planes));
  }
};

}  // namespace fermion::kernels
