// The gradient of attention in two kernels, without atomics. Both form S and dP anew, 16 columns at a time;
// S, P, dP and dS never leave the registers.
//
//   dtheta   a block owns rows of theta and dO, and goes through phi and g: D = sum_c dO O, formed once and
//            stored for the other kernel beside log_sum_exp; S = theta phi^T, dP = dO g^T,
//            dS = P (dP - D), dtheta = dS phi / sqrt(d)
//   dphi_dg  a block owns rows of phi and g, and goes through theta and dO: S^T = phi theta^T,
//            dP^T = g dO^T, dg = P^T dO, dphi = dS^T theta / sqrt(d)
//
// A block is 4 warps, a warp owns 16 M rows, whose operands stay in its registers. P and dS, rounded to
// bf16, are the first operands of the next products as they lie. In shared memory:
//
//   own x, y    each [D / 8 planes of 8 channels][64 M rows] x 8 channels
//   other x, y  [2 buffers] each [D / 8 planes][64 rows, at D = 128 32] x 8 channels; one is filled while
//               the other is multiplied
//   row         log_sum_exp, in base 2, and D: of own rows, or [2 buffers] of other rows
#include "kernels/attention_rows.cuh"

namespace fermion::kernels {
namespace {

template <int D>
struct Shared {
  static constexpr int M = D <= 64 ? 2 : 1, own_rows = 16 * M * attention_warps,
                       other_rows = D <= 64 ? 64 : 32;
  using Own = RowTile<own_rows, D>;
  using Other = RowTile<other_rows, D>;
  static constexpr int bytes = 2 * Own::bytes + 4 * Other::bytes + 8 * 2 * other_rows;
  static_assert(own_rows <= 2 * other_rows);

  unsigned own, other;  // addresses of x; y follows, and the second buffer
  float2* row;

  __device__ Shared() {
    extern __shared__ uint4 memory[];
    own = shared_address(memory);
    other = own + 2 * Own::bytes;
    row = reinterpret_cast<float2*>(reinterpret_cast<char*>(memory) + 2 * Own::bytes + 4 * Other::bytes);
  }
};

struct Backward {
  int positions;
  const bf16 *qkv, *o, *d_o;
  const float* log_sum_exp;
  float2* row;  // [N, positions], log_sum_exp in base 2 and D
  Gradient<bf16> dqkv;
};

// A block's own rows. Grid: blocks of rows of image after image.
template <int D>
struct OwnRows {
  int begin, warp_begin;  // of the block, of the warp
  std::int64_t first;     // the image's first row

  __device__ explicit OwnRows(int positions) {
    constexpr int rows = Shared<D>::own_rows;
    const unsigned blocks = (positions + rows - 1) / rows, image = blockIdx.x / blocks;
    begin = static_cast<int>(blockIdx.x % blocks) * rows;
    warp_begin = begin + threadIdx.x / 32 * 16 * Shared<D>::M;
    first = std::int64_t{image} * positions;
  }
};

// How the threads bring rows of two tensors, tile after tile.
template <class Tile, int StrideX, int StrideY>
struct Copies {
  const bf16 *x, *y;  // the thread's first vectors

  __device__ Copies(const bf16* x_rows, const bf16* y_rows)
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
struct Operands {
  using Own = typename Shared<D>::Own;
  static constexpr int M = Shared<D>::M;
  unsigned x[D / 16][M][4], y[KeptY][M][4];
  unsigned from;  // the lane's address of x

  __device__ explicit Operands(const Shared<D>& shared)
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
struct Products {
  RowSums<Shared<D>::M, 2> x, y;

  // other: the lane's address of the rows of x.
  template <int KeptY>
  __device__ Products(const Operands<D, KeptY>& own, unsigned other) : x{}, y{} {
    using Other = typename Shared<D>::Other;
#pragma unroll
    for (int k = 0; k < D / 16; ++k) {
      unsigned b[4];
      load_matrices(b, other + Other::at(0, k));
      multiply(x, 0, own.x[k], b);
      load_matrices(b, other + Other::bytes + Other::at(0, k));
      if (k < KeptY) {
        multiply(y, 0, own.y[k < KeptY ? k : 0], b);
      } else {
        unsigned a[Shared<D>::M][4];
        own.load_y(k, a);
        multiply(y, 0, a, b);
      }
    }
  }
};

// sums += p, rounded, times 16 other rows; from: the lane's address of them.
template <int D>
__device__ void add_product(RowSums<Shared<D>::M, D / 8>& sums, const RowSums<Shared<D>::M, 2>& p,
                            unsigned from) {
  unsigned a[Shared<D>::M][4];
#pragma unroll
  for (int m = 0; m < Shared<D>::M; ++m) pack_rows(a[m], p, m, 0);
#pragma unroll
  for (int n = 0; n < D / 16; ++n) {
    unsigned b[4];
    load_transposed(b, from + Shared<D>::Other::at(0, n));
    multiply(sums, n, a, b);
  }
}

// log_sum_exp, in base 2, and D of the block's own rows, to shared.row and x.row. dO lies in own y.
template <int D>
__device__ void form_rows(const Backward& x, const OwnRows<D>& own, const Shared<D>& shared) {
  using Tiles = Shared<D>;
  using Own = typename Tiles::Own;
  constexpr int step = attention_mma_threads / Own::planes;
  const int row = threadIdx.x / Own::planes;
  const bf16* o = x.o + (own.first + own.begin) * D + Own::template offset<D>();
  const char* d_o =
      reinterpret_cast<const char*>(shared.row) - 4 * Tiles::Other::bytes - Own::bytes + Own::vector();
#pragma unroll
  for (int i = 0; i < Tiles::own_rows / step; ++i) {
    const int r = row + step * i;
    const bool there = own.begin + r < x.positions;
    float sum = 0;
    if (there) {
      const auto a = load<8>(o + step * i * D);
      const auto b = load<8>(reinterpret_cast<const bf16*>(d_o + 16 * step * i));
#pragma unroll
      for (int c = 0; c < 8; ++c) sum = fmaf(a[c], b[c], sum);
    }
#pragma unroll
    for (int lanes = 1; lanes < Own::planes; lanes *= 2) sum += __shfl_xor_sync(0xFFFFFFFF, sum, lanes);
    if (threadIdx.x % Own::planes != 0) continue;
    const std::int64_t at = own.first + own.begin + r;
    const float2 values{there ? std::numbers::log2e_v<float> * x.log_sum_exp[at] : 0.0f, sum};
    shared.row[r] = values;
    if (there) x.row[at] = values;
  }
}

template <int D>
__global__ void __launch_bounds__(attention_mma_threads, 2) dtheta_mma(const __grid_constant__ Backward x) {
  using Tiles = Shared<D>;
  using Other = typename Tiles::Other;
  constexpr int M = Tiles::M, other_rows = Tiles::other_rows;
  const Tiles shared;
  const OwnRows<D> own(x.positions);
  const bf16* qkv = x.qkv + own.first * 3 * D;
  Copies<typename Tiles::Own, 3 * D, D>(qkv + std::int64_t{own.begin} * 3 * D,
                                        x.d_o + (own.first + own.begin) * D)
      .template next<Tiles::own_rows>(shared.own, x.positions - own.begin);
  Copies<Other, 3 * D, 3 * D> copies(qkv + D, qkv + 2 * D);
  copies.template next<other_rows>(shared.other, x.positions);
  wait_for_copies();
  __syncthreads();
  form_rows(x, own, shared);
  __syncthreads();

  const int lane = threadIdx.x % 32;
  const Operands<D> operands(shared);
  float2 row[M][2];
#pragma unroll
  for (int m = 0; m < M; ++m)
#pragma unroll
    for (int half = 0; half < 2; ++half)
      row[m][half] = shared.row[own.warp_begin - own.begin + 16 * m + 8 * half + lane / 4];
  const float scale = base_2_scale<D>();
  RowSums<M, D / 8> sums{};
  int buffer = 0;
  for (int count = x.positions; count > 0; count -= other_rows, buffer ^= 1) {
    if (count > other_rows)
      copies.template next<other_rows>(shared.other + (buffer ^ 1) * 2 * Other::bytes, count - other_rows);
    const unsigned from = shared.other + buffer * 2 * Other::bytes;
    if (own.warp_begin < x.positions)
#pragma unroll 1
      for (int c = 0; c < min(count, other_rows); c += 16) {
        Products<D> products(operands, from + Other::channels_first(lane) + 16 * c);
        if (count - c < 16) mask_columns(products.x, count - c);
#pragma unroll
        for (int m = 0; m < M; ++m)
#pragma unroll
          for (int n = 0; n < 2; ++n)
#pragma unroll
            for (int i = 0; i < 4; ++i) {
              const float2 r = row[m][i / 2];
              float& s = products.x.at[m][n][i];
              s = exp2_flushed(fmaf(scale, s, -r.x)) * (products.y.at[m][n][i] - r.y);
            }
        add_product<D>(sums, products.x, from + Other::rows_first(lane) + 16 * c);
      }
    wait_for_copies();
    __syncthreads();
  }
  if (own.warp_begin < x.positions)
    put_rows(sums, x.dqkv.data + (own.first + own.warp_begin) * 3 * D, 3 * D, x.positions - own.warp_begin,
             x.dqkv.write, [](int, int) { return rsqrtf(static_cast<float>(D)); });
}

template <int D>
__global__ void __launch_bounds__(attention_mma_threads, 2) dphi_dg_mma(const __grid_constant__ Backward x) {
  using Tiles = Shared<D>;
  using Other = typename Tiles::Other;
  constexpr int M = Tiles::M, other_rows = Tiles::other_rows;
  const Tiles shared;
  const OwnRows<D> own(x.positions);
  const bf16 *qkv = x.qkv + own.first * 3 * D, *own_phi = qkv + std::int64_t{own.begin} * 3 * D + D;
  Copies<typename Tiles::Own, 3 * D, 3 * D>(own_phi, own_phi + D)
      .template next<Tiles::own_rows>(shared.own, x.positions - own.begin);
  Copies<Other, 3 * D, D> copies(qkv, x.d_o + own.first * D);
  const float2* row = x.row + own.first + threadIdx.x;
  const auto copy_others = [&](int count, int buffer) {
    copies.template next<other_rows>(shared.other + buffer * 2 * Other::bytes, count);
    if (threadIdx.x < other_rows)
      copy_async_8(shared_address(shared.row + buffer * other_rows + threadIdx.x), row,
                   static_cast<int>(threadIdx.x) < count);
    row += other_rows;
  };
  copy_others(x.positions, 0);
  wait_for_copies();
  __syncthreads();

  const int lane = threadIdx.x % 32;
  const Operands<D, D == 64 ? 1 : D / 16> operands(shared);
  const float scale = base_2_scale<D>();
  RowSums<M, D / 8> dphi{}, dg{};
  int buffer = 0;
  for (int count = x.positions; count > 0; count -= other_rows, buffer ^= 1) {
    if (count > other_rows) copy_others(count - other_rows, buffer ^ 1);
    const unsigned from = shared.other + buffer * 2 * Other::bytes;
    if (own.warp_begin < x.positions)
#pragma unroll 1
      for (int c = 0; c < min(count, other_rows); c += 16) {
        Products<D> products(operands, from + Other::channels_first(lane) + 16 * c);
#pragma unroll
        for (int n = 0; n < 2; ++n) {
          // Of other rows 2 (lane % 4) and the next. Where a row is not there, theta, dO, D and so dS are 0.
          const float4 r =
              *reinterpret_cast<const float4*>(shared.row + buffer * other_rows + c + 8 * n + 2 * (lane % 4));
#pragma unroll
          for (int m = 0; m < M; ++m)
#pragma unroll
            for (int i = 0; i < 4; ++i) {
              float &s = products.x.at[m][n][i], &dp = products.y.at[m][n][i];
              s = exp2_flushed(fmaf(scale, s, i % 2 ? -r.z : -r.x));
              dp = s * (dp - (i % 2 ? r.w : r.y));
            }
        }
        const unsigned rows = from + Other::rows_first(lane) + 16 * c;
        add_product<D>(dg, products.x, rows + Other::bytes);
        add_product<D>(dphi, products.y, rows);
      }
    wait_for_copies();
    __syncthreads();
  }
  if (own.warp_begin >= x.positions) return;
  bf16* to = x.dqkv.data + (own.first + own.warp_begin) * 3 * D + D;
  put_rows(dphi, to, 3 * D, x.positions - own.warp_begin, x.dqkv.write,
           [](int, int) { return rsqrtf(static_cast<float>(D)); });
  put_rows(dg, to + D, 3 * D, x.positions - own.warp_begin, x.dqkv.write, [](int, int) { return 1.0f; });
}

template <int D>
void run(Cuda ctx, std::int64_t N, const Backward& x) {
  const Grid grid{N * blocks_for(x.positions, Shared<D>::own_rows)};
  launch(ctx, dtheta_mma<D>, grid, attention_mma_threads, Shared<D>::bytes, x);
  launch(ctx, dphi_dg_mma<D>, grid, attention_mma_threads, Shared<D>::bytes, x);
}

}  // namespace

void attention_backward_mma(Cuda ctx, const Attention& dims, const bf16* qkv, const bf16* o,
                            const float* log_sum_exp, const bf16* d_o, Gradient<bf16> dqkv) {
  float2* row = ctx.workspace.take<float2>(dims.N * dims.positions);
  const Backward x{static_cast<int>(dims.positions), qkv, o, d_o, log_sum_exp, row, dqkv};
  if (dims.d == 32)
    run<32>(ctx, dims.N, x);
  else if (dims.d == 64)
    run<64>(ctx, dims.N, x);
  else
    run<128>(ctx, dims.N, x);
}

}  // namespace fermion::kernels
