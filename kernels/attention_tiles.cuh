// What the CUDA kernels of attention (kernels/attention.h) share. A block owns 64 positions of an image and
// walks over its other positions by 64: scores of own by other rows come from two tiles in shared memory,
// and go back there to be multiplied by a tile of the other rows.
//
// Tiles are W channels wide. Up to d = 128, all channels fit into one; where d is larger, scores are summed
// over several tiles, and a block makes only W channels of its outputs: the grid's y walks them, and every
// one of them forms the scores anew.
//
// A block is 16 x 16 threads. A thread has own rows 4 threadIdx.y + r and other rows threadIdx.x + 16 q of a
// block of scores, and of the products the same own rows and W / 16 channels. So no access to shared memory
// meets a bank conflict.
#pragma once

#include <cmath>

#include "kernels/attention.h"
#include "kernels/launch.cuh"
#include "kernels/vec.cuh"

namespace fermion::kernels {

inline constexpr int tile = 64, attention_threads = 256;

// Four numbers more than a row has let neighbouring rows start in different banks.
template <int W>
struct alignas(16) AttentionTiles {
  float own[tile][W + 4], other[tile][W + 4];
  float p[tile][tile + 4];  // own by other rows

  static __device__ AttentionTiles& shared() {
    extern __shared__ float4 memory[];
    return *reinterpret_cast<AttentionTiles*>(memory);
  }
};

// Of a thread: own rows by other rows, and own rows by channels.
struct Scores {
  float at[4][4];
};
template <int W>
struct Products {
  static constexpr int N = W / 16 < 4 ? W / 16 : 4, vectors = W / 16 / N;  // channels side by side
  Floats<N> at[4][vectors];

  // The first channel of a vector.
  static __device__ int channel(int vector) { return (vector * 16 + threadIdx.x) * N; }
};

__device__ inline int own_row(int r) {
  return 4 * threadIdx.y + r;
}
__device__ inline int other_row(int q) {
  return threadIdx.x + 16 * q;
}

// A block's own positions, and which channels of its outputs it makes. The grid is [N x blocks of an image,
// d / W].
template <int W>
struct AttentionBlock {
  std::int64_t image, begin, channel;

  explicit __device__ AttentionBlock(const Attention& dims) {
    const std::int64_t blocks = (dims.positions + tile - 1) / tile;
    image = blockIdx.x / blocks;
    begin = blockIdx.x % blocks * tile;
    channel = static_cast<std::int64_t>(blockIdx.y) * W;
  }
};

// The positions of an image: d numbers each, `stride` from one to the next.
template <class T>
struct Rows {
  T* first;
  std::int64_t stride;
};

// part: 0, 1, 2 for theta, phi, g.
template <class T>
__device__ Rows<T> packed_rows(const Attention& dims, T* qkv, std::int64_t image, int part) {
  return {qkv + (image * dims.positions * 3 + part) * dims.d, 3 * dims.d};
}
template <class T>
__device__ Rows<T> plain_rows(const Attention& dims, T* o, std::int64_t image) {
  return {o + image * dims.positions * dims.d, dims.d};
}

// Channels from `channel` on of the rows from `begin` on; zeros past the last of either.
template <int W, class T>
__device__ void fill(float (&to)[tile][W + 4], const Attention& dims, Rows<const T> from, std::int64_t begin,
                     std::int64_t channel) {
  const int thread = threadIdx.y * 16 + threadIdx.x;
  const T* first = from.first + begin * from.stride + channel;
  const std::int64_t rows = dims.positions - begin, channels = dims.d - channel;
  if (dims.d % 4 == 0) {
#pragma unroll 4
    for (int i = 0; i < tile * W / 4 / attention_threads; ++i) {
      const int v = i * attention_threads + thread, row = v / (W / 4), c = v % (W / 4) * 4;
      store(&to[row][c], row < rows && c < channels ? load<4>(first + row * from.stride + c) : Floats<4>{});
    }
  } else {
#pragma unroll 4
    for (int i = 0; i < tile * W / attention_threads; ++i) {
      const int e = i * attention_threads + thread, row = e / W, c = e % W;
      to[row][c] = row < rows && c < channels ? to_float(first[row * from.stride + c]) : 0.0f;
    }
  }
}

// Own rows from `own_begin` times other rows from `other_begin`, over all channels. `keep`: the tile of own
// rows is filled already, where all channels fit into it.
template <int W, class T>
__device__ Scores multiply_rows(AttentionTiles<W>& tiles, const Attention& dims, Rows<const T> own,
                                std::int64_t own_begin, Rows<const T> other, std::int64_t other_begin,
                                bool keep) {
  Scores s{};
  for (std::int64_t channel = 0; channel < dims.d; channel += W) {
    __syncthreads();  // nobody reads the tiles any more
    if (!keep || dims.d > W) fill<W>(tiles.own, dims, own, own_begin, channel);
    fill<W>(tiles.other, dims, other, other_begin, channel);
    __syncthreads();
#pragma unroll 1
    for (int c = 0; c < W; c += 4) {
      Floats<4> x[4], y[4];
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        x[i] = load<4>(&tiles.own[own_row(i)][c]);
        y[i] = load<4>(&tiles.other[other_row(i)][c]);
      }
#pragma unroll
      for (int r = 0; r < 4; ++r)
#pragma unroll
        for (int q = 0; q < 4; ++q)
#pragma unroll
          for (int i = 0; i < 4; ++i) s.at[r][q] = fmaf(x[r][i], y[q][i], s.at[r][q]);
    }
  }
  return s;
}

template <int W>
__device__ void put_scores(AttentionTiles<W>& tiles, const Scores& s) {
#pragma unroll
  for (int r = 0; r < 4; ++r)
#pragma unroll
    for (int q = 0; q < 4; ++q) tiles.p[own_row(r)][other_row(q)] = s.at[r][q];
}

// sums += p times the tile of other rows.
template <int W>
__device__ void add_product(const AttentionTiles<W>& tiles, Products<W>& sums) {
  using P = Products<W>;
#pragma unroll 2
  for (int k = 0; k < tile; k += 4) {
    Floats<4> p[4];
#pragma unroll
    for (int r = 0; r < 4; ++r) p[r] = load<4>(&tiles.p[own_row(r)][k]);
#pragma unroll
    for (int i = 0; i < 4; ++i)
#pragma unroll
      for (int v = 0; v < P::vectors; ++v) {
        const auto x = load<P::N>(&tiles.other[k + i][P::channel(v)]);
#pragma unroll
        for (int r = 0; r < 4; ++r)
#pragma unroll
          for (int n = 0; n < P::N; ++n) sums.at[r][v][n] = fmaf(p[r][i], x[n], sums.at[r][v][n]);
      }
  }
}

// factor(r) times the thread's sums of own row r, to the channels of the block.
template <int W, class T, class Factor>
__device__ void put_products(const Attention& dims, const AttentionBlock<W>& block, const Products<W>& sums,
                             Rows<T> to, Write write, const Factor& factor) {
  using P = Products<W>;
#pragma unroll
  for (int r = 0; r < 4; ++r)
#pragma unroll
    for (int v = 0; v < P::vectors; ++v) {
      const std::int64_t position = block.begin + own_row(r), channel = block.channel + P::channel(v);
      if (position >= dims.positions) continue;
      Floats<P::N> values = sums.at[r][v];
#pragma unroll
      for (int n = 0; n < P::N; ++n) values[n] *= factor(r);
      T* at = to.first + position * to.stride + channel;
      if (dims.d % P::N == 0) {
        if (channel < dims.d) put(at, values, write);
      } else {
#pragma unroll
        for (int n = 0; n < P::N; ++n)
          if (channel + n < dims.d) put(at + n, Floats<1>{values[n]}, write);
      }
    }
}

// Scores are kept in base 2: exp S = exp2(log2_e S).
inline constexpr float log2_e = 1.44269504088896340736f, ln_2 = 0.69314718055994530942f;

__device__ inline float score_scale(const Attention& dims) {
  return rsqrtf(static_cast<float>(dims.d));
}

// Launches kernel(W) with W = 32, 64 or 128, whichever holds d channels with the fewest to spare.
template <class Kernel>
void with_tile_width(const Attention& dims, const Kernel& kernel) {
  if (dims.d <= 32)
    kernel(std::integral_constant<int, 32>{});
  else if (dims.d <= 64)
    kernel(std::integral_constant<int, 64>{});
  else
    kernel(std::integral_constant<int, 128>{});
}

template <int W, class... Parameters, class... Args>
void launch_attention(Cuda ctx, const Attention& dims, void (*kernel)(Parameters...), const Args&... args) {
  launch(ctx, kernel, {dims.N * blocks_for(dims.positions, tile), blocks_for(dims.d, W)}, dim3(16, 16),
         sizeof(AttentionTiles<W>), dims, args...);
}

}  // namespace fermion::kernels
