#include "kernels/attention.h"
#include "kernels/attention_mma.h"
#include "kernels/attention_tiles.cuh"

namespace fermion::kernels {
namespace {

constexpr int row_threads = 32, rows_of_block = 8;

// What the backward kernels read beside qkv, and where the gradient goes. D: [N, positions].
template <class T>
struct Backward {
  const T *qkv, *d_o;
  const float *log_sum_exp, *D;
  Gradient<T> dqkv;
};

// D_i = sum_c dO_ic O_ic, a warp per position.
template <class T>
__global__ void __launch_bounds__(row_threads* rows_of_block)
    dot_rows(std::int64_t rows, std::int64_t d, const T* o, const T* d_o, float* D) {
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * rows_of_block + threadIdx.y;
  if (row >= rows) return;
  float sum = 0;
  for (std::int64_t c = threadIdx.x; c < d; c += row_threads)
    sum = fmaf(to_float(d_o[row * d + c]), to_float(o[row * d + c]), sum);
#pragma unroll
  for (int lanes = row_threads / 2; lanes > 0; lanes /= 2) sum += __shfl_xor_sync(0xFFFFFFFF, sum, lanes);
  if (threadIdx.x == 0) D[row] = sum;
}

// log_sum_exp, in base 2, and D of four positions of an image; past the last one P is made 0 elsewhere.
struct RowSums {
  float log_sum_exp[4], D[4];

  template <class T, class Row>
  __device__ RowSums(const Attention& dims, const Backward<T>& x, std::int64_t image, std::int64_t begin,
                     const Row& row) {
#pragma unroll
    for (int r = 0; r < 4; ++r) {
      const std::int64_t i = begin + row(r);
      const bool there = i < dims.positions;
      log_sum_exp[r] = there ? log2_e * x.log_sum_exp[image * dims.positions + i] : 0.0f;
      D[r] = there ? x.D[image * dims.positions + i] : 0.0f;
    }
  }
};

// A block owns rows of theta: dtheta_i = sum_j dS_ij phi_j / sqrt(d).
template <int W, class T>
__global__ void __launch_bounds__(attention_threads, W <= 64 ? 2 : 1) dtheta(Attention dims, Backward<T> x) {
  auto& tiles = AttentionTiles<W>::shared();
  const AttentionBlock<W> block(dims);
  const auto theta = packed_rows(dims, x.qkv, block.image, 0), phi = packed_rows(dims, x.qkv, block.image, 1),
             g = packed_rows(dims, x.qkv, block.image, 2), d_o = plain_rows(dims, x.d_o, block.image);
  const float scale = score_scale(dims);
  const RowSums own(dims, x, block.image, block.begin, own_row);
  Products<W> sums{};
  for (std::int64_t j = 0; j < dims.positions; j += tile) {
    const Scores dp = multiply_rows<W>(tiles, dims, d_o, block.begin, g, j, false);
    Scores s = multiply_rows<W>(tiles, dims, theta, block.begin, phi, j, false);
#pragma unroll
    for (int r = 0; r < 4; ++r)
#pragma unroll
      for (int q = 0; q < 4; ++q) {
        const float p = exp2f(log2_e * scale * s.at[r][q] - own.log_sum_exp[r]);
        s.at[r][q] = j + other_row(q) < dims.positions ? p * (dp.at[r][q] - own.D[r]) : 0.0f;
      }
    put_scores(tiles, s);
    __syncthreads();
    if (dims.d > W) {  // else the tile holds phi
      fill<W>(tiles.other, dims, phi, j, block.channel);
      __syncthreads();
    }
    add_product(tiles, sums);
  }
  put_products(dims, block, sums, packed_rows(dims, x.dqkv.data, block.image, 0), x.dqkv.write,
               [&](int) { return scale; });
}

// A block owns rows of phi and g: dg_j = sum_i P_ij dO_i, dphi_j = sum_i dS_ij theta_i / sqrt(d).
template <int W, class T>
__global__ void __launch_bounds__(attention_threads, W <= 32 ? 2 : 1) dphi_dg(Attention dims, Backward<T> x) {
  auto& tiles = AttentionTiles<W>::shared();
  const AttentionBlock<W> block(dims);
  const auto theta = packed_rows(dims, x.qkv, block.image, 0), phi = packed_rows(dims, x.qkv, block.image, 1),
             g = packed_rows(dims, x.qkv, block.image, 2), d_o = plain_rows(dims, x.d_o, block.image);
  const float scale = score_scale(dims);
  Products<W> dphi{}, dg{};
  for (std::int64_t i = 0; i < dims.positions; i += tile) {
    const RowSums other(dims, x, block.image, i, other_row);
    Scores p = multiply_rows<W>(tiles, dims, phi, block.begin, theta, i, false);
    Scores ds = multiply_rows<W>(tiles, dims, g, block.begin, d_o, i, false);
#pragma unroll
    for (int q = 0; q < 4; ++q) {
      const bool there = i + other_row(q) < dims.positions;
#pragma unroll
      for (int r = 0; r < 4; ++r) {
        p.at[r][q] = there ? exp2f(log2_e * scale * p.at[r][q] - other.log_sum_exp[q]) : 0.0f;
        ds.at[r][q] = there ? p.at[r][q] * (ds.at[r][q] - other.D[q]) : 0.0f;
      }
    }
    put_scores(tiles, p);
    __syncthreads();
    if (dims.d > W) {  // else the tile holds dO
      fill<W>(tiles.other, dims, d_o, i, block.channel);
      __syncthreads();
    }
    add_product(tiles, dg);
    __syncthreads();
    put_scores(tiles, ds);
    fill<W>(tiles.other, dims, theta, i, block.channel);
    __syncthreads();
    add_product(tiles, dphi);
  }
  put_products(dims, block, dphi, packed_rows(dims, x.dqkv.data, block.image, 1), x.dqkv.write,
               [&](int) { return scale; });
  put_products(dims, block, dg, packed_rows(dims, x.dqkv.data, block.image, 2), x.dqkv.write,
               [&](int) { return 1.0f; });
}

}  // namespace

template <class T>
void attention_backward(Cuda ctx, const Attention& dims, const T* qkv, const T* o, const float* log_sum_exp,
                        const T* d_o, Gradient<T> dqkv) {
  if constexpr (std::is_same_v<T, bf16>)
    if (fits_tensor_cores(dims)) return attention_backward_mma(ctx, dims, qkv, o, log_sum_exp, d_o, dqkv);
  const std::int64_t rows = dims.N * dims.positions;
  float* D = ctx.workspace.take<float>(rows);
  launch(ctx, dot_rows<T>, {blocks_for(rows, rows_of_block)}, dim3(row_threads, rows_of_block), 0, rows,
         dims.d, o, d_o, D);
  const Backward<T> x{qkv, d_o, log_sum_exp, D, dqkv};
  with_tile_width(dims, [&](auto width) {
    constexpr int W = width();
    launch_attention<W>(ctx, dims, dtheta<W, T>, x);
    launch_attention<W>(ctx, dims, dphi_dg<W, T>, x);
  });
}

template void attention_backward(Cuda, const Attention&, const float*, const float*, const float*,
                                 const float*, Gradient<float>);
template void attention_backward(Cuda, const Attention&, const bf16*, const bf16*, const float*, const bf16*,
                                 Gradient<bf16>);

}  // namespace fermion::kernels
