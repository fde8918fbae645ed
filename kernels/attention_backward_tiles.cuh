// What both kernels of kernels/attention_backward_mma.cu do with rows: where they lie in shared memory, how
// the threads bring them, and a warp's products of its own by others. In shared memory:
//
//   own x, y    each [D / 8 planes of 8 channels][64 M rows] x 8 channels
//   other x, y  [2 buffers] each [D / 8 planes][64 rows, at D = 128 32] x 8 channels; one is filled while
//               the other is multiplied
//   row         log_sum_exp, in base 2, and D: of own rows, or [2 buffers] of other rows
#pragma once

#include "kernels/attention_rows.cuh"

namespace fermion::kernels {

template <int D>
struct BackwardTiles {
  static constexpr int M = D <= 64 ? 2 : 1, own_rows = 16 * M * attention_warps,
                       other_rows = D <= 64 ? 64 : 32;
  using Own = RowTile<own_rows, D>;
  using Other = RowTile<other_rows, D>;
  static constexpr int bytes = 2 * Own::bytes + 4 * Other::bytes + 8 * 2 * other_rows;
  static_assert(own_rows <= 2 * other_rows && own_rows == attention_backward_blocks(D).rows);

  unsigned own, other;  // addresses of x; y follows, and the second buffer
  float2* row;

  __device__ BackwardTiles() {
    extern __shared__ uint4 memory[];
    own = shared_address(memory);
    other = own + 2 * Own::bytes;
    row = reinterpret_cast<float2*>(reinterpret_cast<char*>(memory) + 2 * Own::bytes + 4 * Other::bytes);
  }
};

// A block's own rows. Grid: blocks of rows of image after image.
template <int D>
struct OwnRows {
  int begin, warp_begin;  // of the block, of the warp
  std::int64_t first;     // the image's first row

  __device__ explicit OwnRows(int positions) {
    constexpr int rows = BackwardTiles<D>::own_rows;
    const unsigned blocks = (positions + rows - 1) / rows, image = blockIdx.x / blocks;
    begin = static_cast<int>(blockIdx.x % blocks) * rows;
    warp_begin = begin + threadIdx.x / 32 * 16 * BackwardTiles<D>::M;
    first = std::int64_t{image} * positions;
  }
};

// How the threads bring rows of two tensors, tile after tile.
template <class Tile, int StrideX, int StrideY>
struct RowCopies {
  const bf16 *x, *y;  // the thread's first vectors

  __device__ RowCopies(const bf16* x_rows, const bf16* y_rows)
      : x(x_rows + Tile::template offset<StrideX>()), y(y_rows + Tile::template offset<StrideY>()) {}

  // `Rows` rows, of which the first `count` are there, and goes on to the next.
  template <int Rows>
  __device__ void next(unsigned tile, int count) {
    Tile::template copy<StrideX>(tile + Tile::vector(), x, count);
    Tile::template copy<StrideY>(tile + Tile::bytes + Tile::vector(), y, count);
    x += Rows * StrideX;
    y += Rows * StrideY;
  }
};

// A warp's own rows of x and y as operands, of y only `KeptY` times 16 channels: where the others do not fit
// into the registers, they are loaded anew each time.
template <int D, int KeptY = D / 16>
struct OwnOperands {
  using Own = typename BackwardTiles<D>::Own;
  static constexpr int M = BackwardTiles<D>::M;
  unsigned x[D / 16][M][4], y[KeptY][M][4];
  unsigned from;  // the lane's address of x

  __device__ explicit OwnOperands(const BackwardTiles<D>& shared)
      : from(shared.own + Own::rows_first(threadIdx.x % 32) + Own::at(threadIdx.x / 32 * M, 0)) {
#pragma unroll
    for (int k = 0; k < D / 16; ++k)
#pragma unroll
      for (int m = 0; m < M; ++m) load_matrices(x[k][m], from + Own::at(m, k));
#pragma unroll
    for (int k = 0; k < KeptY; ++k) load_y(k, y[k]);
  }

  __device__ void load_y(int k, unsigned (&to)[M][4]) const {
#pragma unroll
    for (int m = 0; m < M; ++m) load_matrices(to[m], from + Own::bytes + Own::at(m, k));
  }
};

// Products of own by 16 other rows: of x, which are scores, and of y, which are dP.
template <int D>
struct OwnProducts {
  RowSums<BackwardTiles<D>::M, 2> x, y;

  // other: the lane's address of the rows of x.
  template <int KeptY>
  __device__ OwnProducts(const OwnOperands<D, KeptY>& own, unsigned other) : x{}, y{} {
    using Other = typename BackwardTiles<D>::Other;
#pragma unroll
    for (int k = 0; k < D / 16; ++k) {
      unsigned b[4];
      load_matrices(b, other + Other::at(0, k));
      multiply(x, 0, own.x[k], b);
      load_matrices(b, other + Other::bytes + Other::at(0, k));
      if (k < KeptY) {
        multiply(y, 0, own.y[k < KeptY ? k : 0], b);
      } else {
        unsigned a[BackwardTiles<D>::M][4];
        own.load_y(k, a);
        multiply(y, 0, a, b);
      }
    }
  }
};

// sums += p, rounded, times 16 other rows; from: the lane's address of them.
template <int D>
__device__ void add_product(RowSums<BackwardTiles<D>::M, D / 8>& sums,
                            const RowSums<BackwardTiles<D>::M, 2>& p, unsigned from) {
  unsigned a[BackwardTiles<D>::M][4];
#pragma unroll
  for (int m = 0; m < BackwardTiles<D>::M; ++m) pack_rows(a[m], p, m, 0);
#pragma unroll
  for (int n = 0; n < D / 16; ++n) {
    unsigned b[4];
    load_transposed(b, from + BackwardTiles<D>::Other::at(0, n));
    multiply(sums, n, a, b);
  }
}

}  // namespace fermion::kernels
