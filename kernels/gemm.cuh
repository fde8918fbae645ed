// The one matrix product behind convolutions and linear layers, in f32 on CUDA cores:
//
//   C[k, m, n] = sum over d of A[k, m, d] B[k, n, d]        k: weight sets; d: the depth
//
// A and B are operands, functors that fetch numbers from wherever they lie (kernels/gemm_operands.cuh,
// kernels/conv_operands.cuh):
//
//   static constexpr int vector        numbers fetched at once; a power of two up to 8
//   static constexpr bool along_depth  they follow each other along the depth; else along m, or n
//   Line line(k, outer)                what a thread keeps of one m, or n: pointers, coordinates, norms
//   Floats<vector> load(line, d)       from d on (from `outer` on, where it is not along the depth)
//
// `vector` divides the number of m (n), or the depth, along which it lies. C goes to a functor,
// store(dims, k, split, m, n, Floats<V>): V numbers from n on; V is 4 where N is a multiple of 4, else 1.
//
// One block of 256 threads makes a tile of C, 4 x 4 numbers a thread. The operands' tiles, 16 deep, lie in
// shared memory twice, so that one is filled while the other is multiplied.
#pragma once

#include "kernels/gemm.h"
#include "kernels/launch.cuh"
#include "kernels/vec.cuh"

namespace fermion::kernels {

inline constexpr int gemm_threads = 256;

template <int M_, int N_>
struct GemmTile {
  static constexpr int M = M_, N = N_;
  static_assert(M % 16 == 0 && N % 32 == 0 && M * N == 16 * gemm_threads);
};

// Where number d of row `outer` lies among the tile's row of depth d: fours stay together, and neither fills
// nor reads of a quarter of a warp meet twice in a bank.
__device__ constexpr unsigned tile_column(unsigned outer, unsigned d) {
  return outer ^ (d / 4 % 4 * 8) ^ ((outer / 32 + d) % 2 * 4);
}

// How one block fetches its `Outer` rows of an operand.
template <class Operand, int Outer>
class GemmFetch {
 public:
  // Rows behind the last are fetched as the last; nobody stores what becomes of them.
  __device__ GemmFetch(const Operand& operand, std::int64_t k, std::int64_t first, std::int64_t count)
      : operand_(operand) {
    const std::int64_t last = count - (Operand::along_depth ? 1 : V);
#pragma unroll
    for (int i = 0; i < lines; ++i) lines_[i] = operand.line(k, min(first + outer(i), last));
  }

  // The numbers from `depth` on, zeros from `end` on.
  __device__ void fetch(std::int64_t depth, std::int64_t end) {
#pragma unroll
    for (int i = 0; i < loads; ++i)
      if (mine(i))
        values_[i] = depth + d(i) < end ? operand_.load(lines_[i % lines], depth + d(i)) : Floats<V>{};
  }

  __device__ void fill(float (&tile)[gemm_depth][Outer]) const {
#pragma unroll
    for (int i = 0; i < loads; ++i) {
      if (!mine(i)) continue;
      if constexpr (Operand::along_depth || V == 1) {
#pragma unroll
        for (int j = 0; j < V; ++j) tile[d(i) + j][tile_column(outer(i), d(i) + j)] = values_[i][j];
      } else {
#pragma unroll
        for (int j = 0; j < V; j += 4)
          store(&tile[d(i)][tile_column(outer(i) + j, d(i))],
                Floats<4>{values_[i][j], values_[i][j + 1], values_[i][j + 2], values_[i][j + 3]});
      }
    }
  }

 private:
  static constexpr int V = Operand::vector, vectors = Outer * gemm_depth / V;
  static constexpr int loads = (vectors + gemm_threads - 1) / gemm_threads;
  // Neighbouring threads fetch what lies side by side: of a row, or rows of one depth. Single numbers along
  // the depth go by rows too, for the tile's banks; then a thread's loads are all of one row.
  static constexpr bool depth_first = Operand::along_depth && V > 1;
  static constexpr int step = Operand::along_depth ? 1 : V;
  static constexpr int side = depth_first ? gemm_depth / V : Outer / step;
  static constexpr int lines = depth_first ? loads : 1;
  static_assert(gemm_threads % side == 0);

  __device__ static int at(int i) {
    return static_cast<int>(threadIdx.x) + i * gemm_threads;
  }
  __device__ static bool mine(int i) {
    return vectors % gemm_threads == 0 || at(i) < vectors;
  }
  __device__ static int outer(int i) {
    return depth_first ? at(i) / side : at(i) % side * step;
  }
  __device__ static int d(int i) {
    return depth_first ? at(i) % side * V : at(i) / side;
  }

  const Operand& operand_;
  typename Operand::Line lines_[lines];
  Floats<V> values_[loads];
};

// Grid: x tiles of C, those of the same rows side by side; y splits; z weight sets.
template <class Tile, class A, class B, class Store>
__global__ void __launch_bounds__(gemm_threads, 2) gemm_kernel(Gemm dims, A a, B b, Store store) {
  __shared__ alignas(16) float a_tiles[2][gemm_depth][Tile::M], b_tiles[2][gemm_depth][Tile::N];
  const std::int64_t tiles = (dims.N + Tile::N - 1) / Tile::N, k = blockIdx.z, split = blockIdx.y;
  const std::int64_t first_m = blockIdx.x / tiles * Tile::M, first_n = blockIdx.x % tiles * Tile::N;
  const std::int64_t begin = split * dims.split_depth(), end = min(begin + dims.split_depth(), dims.depth);
  // A warp makes 16 x 32 numbers.
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int m = warp / (Tile::N / 32) * 16 + lane / 8 * 4, n = warp % (Tile::N / 32) * 32 + lane % 8 * 4;

  GemmFetch<A, Tile::M> fetch_a(a, k, first_m, dims.M);
  GemmFetch<B, Tile::N> fetch_b(b, k, first_n, dims.N);
  Floats<4> sums[4] = {};
  fetch_a.fetch(begin, end);
  fetch_b.fetch(begin, end);
  int buffer = 0;
  for (std::int64_t depth = begin; depth < end; depth += gemm_depth, buffer ^= 1) {
    auto& a_tile = a_tiles[buffer];
    auto& b_tile = b_tiles[buffer];
    fetch_a.fill(a_tile);
    fetch_b.fill(b_tile);
    // Nobody still reads the tile that the next round fills: that was two rounds ago.
    __syncthreads();
    fetch_a.fetch(depth + gemm_depth, end);
    fetch_b.fetch(depth + gemm_depth, end);
    // The last tile may be shallow; it is zero up to the next four.
    const unsigned fours = (min(end - depth, std::int64_t{gemm_depth}) + 3) / 4;
    for (unsigned four = 0; four < fours; ++four) {
      // tile_column() of the depths 4 four + d is one of two.
      const unsigned a_column = tile_column(m, 4 * four), b_column = tile_column(n, 4 * four);
      const float *a_even = &a_tile[4 * four][a_column], *a_odd = &a_tile[4 * four][a_column ^ 4];
      const float *b_even = &b_tile[4 * four][b_column], *b_odd = &b_tile[4 * four][b_column ^ 4];
#pragma unroll
      for (int d = 0; d < 4; ++d) {
        const Floats<4> x = load<4>((d % 2 ? a_odd : a_even) + d * Tile::M);
        const Floats<4> y = load<4>((d % 2 ? b_odd : b_even) + d * Tile::N);
#pragma unroll
        for (int i = 0; i < 4; ++i)
#pragma unroll
          for (int j = 0; j < 4; ++j) sums[i][j] = fmaf(x[i], y[j], sums[i][j]);
      }
    }
  }

#pragma unroll
  for (int i = 0; i < 4; ++i) {
    if (first_m + m + i >= dims.M) break;
    if (dims.N % 4 == 0) {
      if (first_n + n < dims.N) store(dims, k, split, first_m + m + i, first_n + n, sums[i]);
    } else {
#pragma unroll
      for (int j = 0; j < 4; ++j)
        if (first_n + n + j < dims.N)
          store(dims, k, split, first_m + m + i, first_n + n + j, Floats<1>{sums[i][j]});
    }
  }
}

template <class Tile, class A, class B, class Store>
void gemm(Cuda ctx, const Gemm& dims, const A& a, const B& b, const Store& store) {
  const std::int64_t tiles = blocks_for(dims.M, Tile::M) * blocks_for(dims.N, Tile::N);
  launch(ctx, gemm_kernel<Tile, A, B, Store>, {tiles, dims.splits, dims.K}, gemm_threads, 0, dims, a, b,
         store);
}

// M pixels by N channels, or M channels by N numbers: where there are few channels the tile is narrow.
template <class A, class B, class Store>
void pixel_gemm(Cuda ctx, const Gemm& dims, const A& a, const B& b, const Store& store) {
  dims.N <= 32 ? gemm<GemmTile<128, 32>>(ctx, dims, a, b, store)
               : gemm<GemmTile<64, 64>>(ctx, dims, a, b, store);
}
template <class A, class B, class Store>
void channel_gemm(Cuda ctx, const Gemm& dims, const A& a, const B& b, const Store& store) {
  dims.M <= 32 ? gemm<GemmTile<32, 128>>(ctx, dims, a, b, store)
               : gemm<GemmTile<64, 64>>(ctx, dims, a, b, store);
}

// C as it is: rows of N numbers, relu?(c + bias), written or added. bias: [K, N] or null.
template <class T>
struct StoreRows {
  T* to;
  Write write = Write::overwrite;
  const float* bias = nullptr;
  bool relu = false;

  template <int V>
  __device__ void operator()(const Gemm& dims, std::int64_t k, std::int64_t split, std::int64_t m,
                             std::int64_t n, Floats<V> c) const {
#pragma unroll
    for (int i = 0; i < V; ++i) {
      if (bias) c[i] += bias[k * dims.N + n + i];
      if (relu && c[i] < 0) c[i] = 0;
    }
    put(to + ((k * dims.splits + split) * dims.M + m) * dims.N + n, c, write);
  }
};

// sum[k, i] of partials[k, split, i] in the splits' order, written or added; `size` numbers i.
void add_splits(Cuda ctx, std::int64_t K, std::int64_t splits, std::int64_t size, const float* partials,
                Gradient<float> sum);

// Runs product(dims, to), a gemm that leaves C in the gradient `to`, and sums its splits where there are
// several.
template <class Product>
void split_gemm(Cuda ctx, const Gemm& unsplit, Gradient<float> sum, const Product& product) {
  const Gemm dims = with_splits(unsplit);
  if (dims.splits == 1) return product(dims, sum);
  float* partials = ctx.workspace.take<float>(dims.K * dims.splits * dims.M * dims.N);
  product(dims, Gradient<float>{partials});
  add_splits(ctx, dims.K, dims.splits, dims.M * dims.N, partials, sum);
}

}  // namespace fermion::kernels
