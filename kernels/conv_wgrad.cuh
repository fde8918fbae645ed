// The gradient of a convolution by its weights on tensor cores: bf16 activations, f32 sums; stride 1, or 3x3
// of stride 2.
//
//   dweight[k, co, a, b, ci] = sum over pixels p of dy[k, p, co] value(x)[k, stride p + (a, b) - pad, ci]
//
// value(x) is formed once on the way into shared memory; neither it nor the patches of pixels reach global
// memory.
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

#include <algorithm>

#include "kernels/async_copy.cuh"
#include "kernels/conv_pixels.cuh"
#include "kernels/doubled_pixels.h"
#include "kernels/mma.cuh"

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
  static constexpr int fragments = Fragments, M = M_, N = N_, P = P_, kernel = Kernel;
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
    const int staged = 2 * (x_planes * 16 * tiles.slots(x_planes) + dy_planes * dy_plane) + 2 * 4 * read +
                       4 * pixels + 8 * x_vectors * (threads / x_planes);
    // In the end the sums of warps that are added up take their place.
    return P > 1 ? std::max(staged, M * N * 32 * 4 * sums) : staged;
  }
};

// The transposed 2x2 convolution, as a 1x1 one of 4 C output channels: channel tap C + c of a pixel is c of
// dy at that tap.
template <int Fragments>
struct DoublingWgradBlock : WgradBlock<Fragments, 2, 1, 4, 1, 1> {
  static constexpr bool doubling = true;
};

// Where a block's things lie in shared memory.
template <class Block>
struct WgradShared {
  char *x, *dy;
  float *scale, *offset;      // of the input channels
  PixelTiles::Input* inputs;  // the input pixels of the next tile
  int* slots;                 // of the tile's output pixels at tap (0, 0)
  int x_plane;                // bytes

  __device__ explicit WgradShared(const ConvWgrad& conv) {
    extern __shared__ uint4 memory[];
    x_plane = 16 * conv.tiles.slots(Block::x_planes);
    x = reinterpret_cast<char*>(memory);
    dy = x + 2 * Block::x_planes * x_plane;
    scale = reinterpret_cast<float*>(dy + 2 * Block::dy_planes * Block::dy_plane);
    offset = scale + Block::read;
    inputs = reinterpret_cast<PixelTiles::Input*>(offset + Block::read);
    slots = reinterpret_cast<int*>(inputs + Block::x_vectors * (Block::threads / Block::x_planes));
  }
};

// A warp's sums: 2 of 16 output channels by 16 Spread input channels, of each tap.
template <class Block>
struct WgradSums {
  float at[Block::taps][Block::spread][2][2][4];
};

// How the threads of a block bring x: a thread vectors of the same 8 channels.
template <class Block>
class WgradInput {
 public:
  __device__ WgradInput(const ConvWgrad& conv, const WgradShared<Block>& shared)
      : conv_(conv), shared_(shared) {
    const int c = static_cast<int>(blockIdx.y % ((conv.Ci + Block::read - 1) / Block::read)) * Block::read +
                  8 * plane();
    const bool second = c >= conv.first_channels;
    const Feature<bf16>& x = second ? conv.x.second : conv.x.first;
    const int first = second ? c - conv.first_channels : c;
    channels_ = second ? conv.Ci - conv.first_channels : conv.first_channels;
    const std::int64_t pixels = std::int64_t{conv.tiles.N} * conv.tiles.in_H * conv.tiles.in_W;
    from_ = c < conv.Ci ? x.y + blockIdx.z * pixels * channels_ + first : nullptr;
    normed_ = from_ && x.norm;
    relu_ = x.norm.relu;
    if (threadIdx.x < Block::x_planes)
      for (int i = 0; i < 8; ++i) {
        const std::int64_t at = std::int64_t{blockIdx.z} * channels_ + first + i;
        const float scale = normed_ ? x.norm.gain[at] * x.norm.inv_std[at] : 1;
        shared.scale[place(i)] = scale;
        shared.offset[place(i)] = normed_ ? fmaf(-x.norm.mean[at], scale, x.norm.shift[at]) : 0;
      }
  }

  // From now on, the pixels of this tile.
  __device__ void aim(int tile) {
    const PixelTiles::Place place = conv_.tiles.place(tile);
    // Nobody of the warp still needs the old ones.
    __syncwarp();
    for (int i = 0; i < Block::x_vectors && plane() == 0; ++i)
      shared_.inputs[input(i)] =
          input(i) < conv_.tiles.inputs ? conv_.tiles.input(place, input(i)) : PixelTiles::Input{-1, -1};
    __syncwarp();
  }

  __device__ void load(int step) {
#pragma unroll
    for (int i = 0; i < Block::in_step; ++i) {
      const int v = step * Block::in_step + i,
                pixel = v < Block::x_vectors ? shared_.inputs[input(v)].pixel : -1;
      values_[i] = pixel >= 0 && from_
                       ? *reinterpret_cast<const uint4*>(from_ + std::int64_t{pixel} * channels_)
                       : uint4{0, 0, 0, 0};
    }
  }

  __device__ void store(int step, int buffer) {
    float scale[8], offset[8];
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      scale[i] = shared_.scale[place(i)];
      offset[i] = shared_.offset[place(i)];
    }
#pragma unroll
    for (int i = 0; i < Block::in_step; ++i) {
      const int v = step * Block::in_step + i;
      if (v >= Block::x_vectors) continue;
      const auto [pixel, slot] = shared_.inputs[input(v)];
      if (slot < 0) continue;
      uint4 value = values_[i];
      if (normed_ && pixel >= 0) value = normalised(value, scale, offset, relu_);
      *reinterpret_cast<uint4*>(shared_.x + (buffer * Block::x_planes + plane()) * shared_.x_plane +
                                16 * slot) = value;
    }
  }

 private:
  __device__ static int plane() {
    return threadIdx.x % Block::x_planes;
  }
  // Where the plane's channel i lies: four of all planes side by side, so that no bank is met twice.
  __device__ static int place(int i) {
    return 4 * (i / 4 * Block::x_planes + plane()) + i % 4;
  }
  // Which of the tile's input pixels vector v is of.
  __device__ static int input(int v) {
    return threadIdx.x / Block::x_planes + v * (Block::threads / Block::x_planes);
  }

  const ConvWgrad& conv_;
  const WgradShared<Block>& shared_;
  const bf16* from_;
  int channels_;
  bool normed_, relu_;
  uint4 values_[Block::in_step];
};

// Sets dy of a tile on its way.
template <class Block>
__device__ void copy_dy(const ConvWgrad& conv, const WgradShared<Block>& shared, int tile, int first,
                        int buffer) {
  const PixelTiles::Place place = conv.tiles.place(tile);
  const int plane = threadIdx.x % Block::dy_planes, c = first + 8 * plane;
  const std::int64_t pixels = std::int64_t{conv.tiles.N} * conv.tiles.H * conv.tiles.W;
  const int channels = Block::doubling ? conv.doubled.C : conv.Co;
  const bf16* from = conv.dy + (Block::doubling ? conv.doubled.offset(c) : blockIdx.z * pixels * conv.Co + c);
  const unsigned to = shared_address(shared.dy + (buffer * Block::dy_planes + plane) * Block::dy_plane);
#pragma unroll
  for (int i = 0; i < Block::dy_vectors; ++i) {
    const int p = threadIdx.x / Block::dy_planes + i * (Block::threads / Block::dy_planes);
    if (p >= Block::pixels) break;
    int pixel = conv.tiles.output(place, p);
    const bool there = pixel >= 0 && c < conv.Co;
    if (Block::doubling) pixel = conv.doubled.first(pixel);
    copy_async(to + 16 * p, there ? from + std::int64_t{pixel} * channels : conv.dy, there);
  }
}

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
  __syncthreads();
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
