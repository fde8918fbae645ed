// The gradient of a convolution by its weights on tensor cores: bf16 activations, f32 sums; stride 1, or 3x3
// of stride 2.
//
//   dweight[k, co, a, b, ci] = sum over pixels p of dy[k, p, co] value(x)[k, stride p + (a, b) - pad, ci]
//
// value(x) is formed once on the way into shared memory; neither it nor the patches of pixels reach global
// memory: of 64 images of 56 x 56 pixels and 64 channels 26 and 231 MB, written and read.
//
// A block makes 32 M output channels by 16 Spread N input channels, all taps, from some tiles of pixels
// (kernels/pixel_tiles.h); of its M x N x P warps each 32 by 16 Spread channels, from every P-th fragment of
// 16 pixels, which are the depth of the product. In shared memory lie, of two tiles, one that is multiplied
// and the next,
//
//   x    [2 buffers][planes of 8 channels][slots] x 8 channels
//   dy   [2 buffers][planes of 8 channels][pixels + 1 or 2] x 8 channels
//
// The taps of a pixel are shifts of its address. Neither fills nor loads meet a bank twice. Grid: x splits of
// the pixels, y output channels by input channels, z weight sets.
#pragma once

#include "kernels/conv_wgrad_operands.cuh"

namespace fermion::kernels {

// A warp's sums: 2 of 16 output channels by 16 Spread input channels, of each tap.
template <class Block>
struct WgradSums {
  float at[Block::taps][Block::spread][2][2][4];
};

// Adds one fragment of pixels. dy, x: this lane's addresses of the first.
template <class Block>
__device__ void multiply_fragment(int f, unsigned dy, unsigned x, int x_plane, int pitch, int slot,
                                  WgradSums<Block>& sums) {
  unsigned a[2][4];
#pragma unroll
  for (int i = 0; i < 2; ++i) load_transposed(a[i], dy + 2 * i * Block::dy_plane + 16 * 16 * f);
#pragma unroll
  for (int s = 0; s < Block::spread; ++s)
#pragma unroll
    for (int tap = 0; tap < Block::taps; ++tap) {
      const typename Block::Tap place(tap);
      unsigned b[4];
      load_transposed(b, x + 2 * s * x_plane + 16 * (slot + place.line * pitch + place.column));
#pragma unroll
      for (int i = 0; i < 2; ++i)
#pragma unroll
        for (int j = 0; j < 2; ++j) mma(sums.at[tap][s][i][j], a[i], b[2 * j], b[2 * j + 1]);
    }
}

// The sums of the warps that differ in their pixels alone, in their order; those of the first have them then.
template <class Block>
__device__ void add_warps(float* shared, int pair, int p, WgradSums<Block>& sums) {
  float* own = &sums.at[0][0][0][0][0];
  float* at = shared + pair * Block::sums * 32 + threadIdx.x % 32;
#pragma unroll 1
  for (int from = 1; from < Block::P; ++from) {
    if (p == from)
#pragma unroll
      for (int i = 0; i < Block::sums; ++i) at[32 * i] = own[i];
    __syncthreads();
    if (p == 0)
#pragma unroll
      for (int i = 0; i < Block::sums; ++i) own[i] += at[32 * i];
    __syncthreads();
  }
}

template <class Block>
__global__ void __launch_bounds__(Block::threads, 1) wgrad_kernel(const __grid_constant__ ConvWgrad conv) {
  const WgradShared<Block> shared(conv);
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const int m = warp % Block::M, n = warp / Block::M % Block::N, p = warp / (Block::M * Block::N);
  const int columns = (conv.Ci + Block::read - 1) / Block::read;
  const int first_co = static_cast<int>(blockIdx.y) / columns * Block::made,
            first_ci = static_cast<int>(blockIdx.y) % columns * Block::read;
  const int count = conv.tiles.count, step = gridDim.x;

  WgradInput<Block> input(conv, shared);
  for (int i = threadIdx.x; i < Block::pixels; i += Block::threads) shared.slots[i] = conv.tiles.slot(i);
  input.aim(blockIdx.x);
  copy_dy(conv, shared, blockIdx.x, first_co, 0);
#pragma unroll
  for (int i = 0; i < Block::steps; ++i) {
    input.load(i);
    input.store(i, 0);
  }
  wait_for_copies();
  __syncthreads();

  // Of A the matrices {8 channels, 8 pixels} next to each other differ in their channels, of B in their
  // pixels.
  const int eighth = lane / 8, row = lane % 8;
  const unsigned dy =
      shared_address(shared.dy) + (4 * m + eighth % 2) * Block::dy_plane + 16 * (eighth / 2 * 8 + row);
  const unsigned x = shared_address(shared.x) + (2 * Block::spread * n + eighth / 2) * shared.x_plane;
  WgradSums<Block> sums{};
  int buffer = 0;
  for (int tile = blockIdx.x; tile < count; tile += step, buffer ^= 1) {
    const bool more = tile + step < count;
    if (more) {
      input.aim(tile + step);
      copy_dy(conv, shared, tile + step, first_co, buffer ^ 1);
    }
#pragma unroll
    for (int i = 0; i < Block::steps; ++i) {
      const int f = p + i * Block::P;
      if (more) input.load(i);
      if (f < Block::fragments)
        multiply_fragment(f, dy + buffer * Block::dy_planes * Block::dy_plane,
                          x + buffer * Block::x_planes * shared.x_plane, shared.x_plane, conv.tiles.pitch,
                          shared.slots[16 * f + eighth % 2 * 8 + row], sums);
      if (more) input.store(i, buffer ^ 1);
    }
    wait_for_copies();
    __syncthreads();
  }

  if constexpr (Block::P > 1)
    add_warps(reinterpret_cast<float*>(shared.x), warp % (Block::M * Block::N), p, sums);
  if (p != 0) return;
  const std::int64_t line = std::int64_t{Block::taps} * conv.Ci;
  float* to = conv.sums.data + (std::int64_t{blockIdx.z} * gridDim.x + blockIdx.x) * conv.Co * line;
#pragma unroll
  for (int tap = 0; tap < Block::taps; ++tap)
#pragma unroll
    for (int s = 0; s < Block::spread; ++s)
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        const int co = first_co + 32 * m + 8 * (i % 4) + lane / 4;
        const int ci = first_ci + 16 * (Block::spread * n + s) + 8 * (i / 4) + 2 * (lane % 4);
        const float* c = &sums.at[tap][s][i % 4 / 2][i / 4][i % 2 * 2];
        const int row = Block::doubling ? conv.doubled.weight_row(co) : co;
        if (co < conv.Co && ci < conv.Ci)
          put(to + row * line + tap * conv.Ci + ci, Floats<2>{c[0], c[1]}, conv.sums.write);
      }
}

}  // namespace fermion::kernels
