// The gradient of attention in two kernels, without atomics. Both form S and dP anew, 16 columns at a time;
// S, P, dP and dS never leave the registers: of 64 images of 784 positions each is 157 MB in f32.
//
//   dtheta   a block owns rows of theta and dO, and goes through phi and g: D = sum_c dO O, formed once and
//            stored for the other kernel beside log_sum_exp; S = theta phi^T, dP = dO g^T,
//            dS = P (dP - D), dtheta = dS phi / sqrt(d)
//   dphi_dg  a block owns rows of phi and g, and goes through theta and dO: S^T = phi theta^T,
//            dP^T = g dO^T, dg = P^T dO, dphi = dS^T theta / sqrt(d)
//
// A block is 4 warps, a warp owns 16 M rows, whose operands stay in its registers. P and dS, rounded to
// bf16, are the first operands of the next products as they lie.
#include "kernels/attention_backward_tiles.cuh"

namespace fermion::kernels {
namespace {

struct Backward {
  int positions;
  const bf16 *qkv, *o, *d_o;
  const float* log_sum_exp;
  float2* row;  // [N, positions], log_sum_exp in base 2 and D
  Gradient<bf16> dqkv;
};

// log_sum_exp, in base 2, and D of the block's own rows, to shared.row and x.row. Of dO, in own y, a thread
// reads the vectors that it has brought itself.
template <int D>
__device__ void form_rows(const Backward& x, const OwnRows<D>& own, const BackwardTiles<D>& shared) {
  using Tiles = BackwardTiles<D>;
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
__global__ void __launch_bounds__(attention_mma_threads, attention_backward_blocks(D).resident)
    dtheta_mma(const __grid_constant__ Backward x) {
  using Tiles = BackwardTiles<D>;
  using Other = typename Tiles::Other;
  constexpr int M = Tiles::M, other_rows = Tiles::other_rows;
  const Tiles shared;
  const OwnRows<D> own(x.positions);
  const bf16* qkv = x.qkv + own.first * 3 * D;
  RowCopies<typename Tiles::Own, 3 * D, D>(qkv + std::int64_t{own.begin} * 3 * D,
                                           x.d_o + (own.first + own.begin) * D)
      .template next<Tiles::own_rows>(shared.own, x.positions - own.begin);
  RowCopies<Other, 3 * D, 3 * D> copies(qkv + D, qkv + 2 * D);
  copies.template next<other_rows>(shared.other, x.positions);
  wait_for_copies();
  form_rows(x, own, shared);
  __syncthreads();

  const int lane = threadIdx.x % 32;
  const OwnOperands<D> operands(shared);
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
        OwnProducts<D> products(operands, from + Other::channels_first(lane) + 16 * c);
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
__global__ void __launch_bounds__(attention_mma_threads, attention_backward_blocks(D).resident)
    dphi_dg_mma(const __grid_constant__ Backward x) {
  using Tiles = BackwardTiles<D>;
  using Other = typename Tiles::Other;
  constexpr int M = Tiles::M, other_rows = Tiles::other_rows;
  const Tiles shared;
  const OwnRows<D> own(x.positions);
  const bf16 *qkv = x.qkv + own.first * 3 * D, *own_phi = qkv + std::int64_t{own.begin} * 3 * D + D;
  RowCopies<typename Tiles::Own, 3 * D, 3 * D>(own_phi, own_phi + D)
      .template next<Tiles::own_rows>(shared.own, x.positions - own.begin);
  RowCopies<Other, 3 * D, D> copies(qkv, x.d_o + own.first * D);
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
  const OwnOperands<D, D == 64 ? 1 : D / 16> operands(shared);
  const float scale = base_2_scale<D>();
  RowSums<M, D / 8> dphi{}, dg{};
  int buffer = 0;
  for (int count = x.positions; count > 0; count -= other_rows, buffer ^= 1) {
    if (count > other_rows) copy_others(count - other_rows, buffer ^ 1);
    const unsigned from = shared.other + buffer * 2 * Other::bytes;
    if (own.warp_begin < x.positions)
#pragma unroll 1
      for (int c = 0; c < min(count, other_rows); c += 16) {
        OwnProducts<D> products(operands, from + Other::channels_first(lane) + 16 * c);
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
  const Grid grid{N * blocks_for(x.positions, BackwardTiles<D>::own_rows)};
  launch(ctx, dtheta_mma<D>, grid, attention_mma_threads, BackwardTiles<D>::bytes, x);
  launch(ctx, dphi_dg_mma<D>, grid, attention_mma_threads, BackwardTiles<D>::bytes, x);
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
