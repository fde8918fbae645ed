// O = softmax(theta phi^T / sqrt(d)) g and log_sum_exp in one kernel; scores and P never leave the registers:
// of 64 images of 784 positions 157 MB in f32 and 79 in bf16, written and read.
//
// A block of 4 warps owns 128 rows of theta, a warp 32 of them: 2 fragments of 16 rows. It goes through phi
// and g by 64 rows, at D = 128 by 32, in two buffers, of which one is filled while the other is multiplied:
//
//   theta  [D / 8 planes of 8 channels][128 rows] x 8 channels
//   phi, g [2 buffers] each [D / 8 planes][64 or 32 rows] x 8 channels
//
// A block of scores, [32, 64 or 32] in f32, becomes P with the maxima so far, and P rounded to bf16 the first
// operand of P g as it lies in the registers. O is scaled only where a maximum has moved. Of the last rows of
// phi and g only those that are there are multiplied, 16 at a time.
#include "kernels/attention_rows.cuh"

namespace fermion::kernels {
namespace {

constexpr int own_rows = 128, M = 2;

template <int D>
struct Shared {
  static constexpr int other_rows = D <= 64 ? 64 : 32;
  using Own = RowTile<own_rows, D>;
  using Other = RowTile<other_rows, D>;
  static constexpr int bytes = Own::bytes + 4 * Other::bytes;

  unsigned theta, phi, g;  // addresses; the second buffer lies 2 Other::bytes further

  __device__ Shared() {
    extern __shared__ uint4 memory[];
    theta = shared_address(memory);
    phi = theta + Own::bytes;
    g = phi + Other::bytes;
  }
};

// What a lane has of its warp's rows: of the fragments' rows lane / 4 and lane / 4 + 8 the maximum of the
// products so far and the lane's part of the sum.
template <int D>
class OnlineSoftmax {
 public:
  __device__ OnlineSoftmax() : o_{}, sum_{} {
#pragma unroll
    for (int m = 0; m < M; ++m) maximum_[m][0] = maximum_[m][1] = -INFINITY;
  }

  // Adds `Columns` columns; phi and g: the lane's addresses of their first. Of 16, the first `count` are
  // there.
  template <int Columns>
  __device__ void add(unsigned theta, unsigned phi, unsigned g, int count) {
    using Tiles = Shared<D>;
    RowSums<M, Columns / 8> s{};
#pragma unroll
    for (int k = 0; k < D / 16; ++k) {
      unsigned a[M][4];
#pragma unroll
      for (int m = 0; m < M; ++m) load_matrices(a[m], theta + Tiles::Own::at(m, k));
#pragma unroll
      for (int n = 0; n < Columns / 16; ++n) {
        unsigned b[4];
        load_matrices(b, phi + Tiles::Other::at(n, k));
        multiply(s, n, a, b);
      }
    }
    if (Columns == 16 && count < Columns) mask_columns(s, count);
    exponentiate(s);
#pragma unroll
    for (int k = 0; k < Columns / 16; ++k) {
      unsigned p[M][4];
#pragma unroll
      for (int m = 0; m < M; ++m) pack_rows(p[m], s, m, k);
#pragma unroll
      for (int n = 0; n < D / 16; ++n) {
        unsigned b[4];
        load_transposed(b, g + Tiles::Other::at(k, n));
        multiply(o_, n, p, b);
      }
    }
  }

  // Rows of O and log_sum_exp, of which the first `count` are there.
  __device__ void store(bf16* o, float* log_sum_exp, int count) {
#pragma unroll
    for (int m = 0; m < M; ++m)
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int lane = threadIdx.x % 32, row = 16 * m + 8 * half + lane / 4;
        float& sum = sum_[m][half];
        sum = quad_sum(sum);
        if (lane % 4 == 0 && row < count)
          log_sum_exp[row] = std::numbers::ln2_v<float> * (base_2_scale<D>() * maximum_[m][half]) + logf(sum);
      }
    put_rows(o_, o, D, count, Write::overwrite, [&](int m, int half) { return 1 / sum_[m][half]; });
  }

 private:
  // Products to P; brings maxima, sums and O up to date. fmaxf passes over a NaN, which reaches the sum as
  // exp2(NaN).
  template <int N>
  __device__ void exponentiate(RowSums<M, N>& s) {
    const float scale = base_2_scale<D>();
    float largest[M][2];
    bool moved = false;
#pragma unroll
    for (int m = 0; m < M; ++m)
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float& x = largest[m][half];
        x = maximum_[m][half];
#pragma unroll
        for (int n = 0; n < N; ++n) x = fmaxf(x, fmaxf(s.at[m][n][2 * half], s.at[m][n][2 * half + 1]));
        x = quad_max(x);
        moved = moved || x != maximum_[m][half];
      }
    if (__any_sync(0xFFFFFFFF, moved)) rescale(largest, scale);
#pragma unroll
    for (int m = 0; m < M; ++m)
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const float offset = scale * maximum_[m][half];
#pragma unroll
        for (int n = 0; n < N; ++n)
#pragma unroll
          for (int i = 2 * half; i < 2 * half + 2; ++i) {
            float& p = s.at[m][n][i];
            p = exp2_flushed(fmaf(scale, p, -offset));
            sum_[m][half] += p;
          }
      }
  }

  __device__ void rescale(const float (&largest)[M][2], float scale) {
#pragma unroll
    for (int m = 0; m < M; ++m)
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float& maximum = maximum_[m][half];
        const float decay = exp2_flushed(scale * (maximum - largest[m][half]));
        maximum = largest[m][half];
        sum_[m][half] *= decay;
#pragma unroll
        for (int n = 0; n < D / 8; ++n) {
          o_.at[m][n][2 * half] *= decay;
          o_.at[m][n][2 * half + 1] *= decay;
        }
      }
  }

  RowSums<M, D / 8> o_;
  float maximum_[M][2], sum_[M][2];
};

// Grid: blocks of rows of image after image.
template <int D>
__global__ void __launch_bounds__(attention_mma_threads, attention_forward_blocks(D).resident)
    attend_mma(int positions, const bf16* qkv, bf16* o, float* log_sum_exp) {
  static_assert(own_rows == attention_forward_blocks(D).rows);
  using Tiles = Shared<D>;
  constexpr int other_rows = Tiles::other_rows;
  const Tiles shared;
  const unsigned blocks = (positions + own_rows - 1) / own_rows, image = blockIdx.x / blocks;
  const int begin = static_cast<int>(blockIdx.x % blocks) * own_rows;
  const std::int64_t first = std::int64_t{image} * positions;
  const bf16* other = qkv + first * 3 * D + D + Tiles::Other::template offset<3 * D>();
  const auto copy_others = [&](int count, int buffer) {
    const unsigned to = shared.phi + Tiles::Other::vector() + buffer * 2 * Tiles::Other::bytes;
    Tiles::Other::template copy<3 * D>(to, other, count);
    Tiles::Other::template copy<3 * D>(to + Tiles::Other::bytes, other + D, count);
    other += other_rows * 3 * D;
  };
  Tiles::Own::template copy<3 * D>(shared.theta + Tiles::Own::vector(),
                                   qkv + (first + begin) * 3 * D + Tiles::Own::template offset<3 * D>(),
                                   positions - begin);
  copy_others(positions, 0);

  const int lane = threadIdx.x % 32, own = begin + threadIdx.x / 32 * 16 * M;
  const unsigned theta = shared.theta + Tiles::Own::rows_first(lane) + Tiles::Own::at((own - begin) / 16, 0);
  OnlineSoftmax<D> rows;
  wait_for_copies();
  __syncthreads();
  int buffer = 0;
  for (int count = positions; count > 0; count -= other_rows, buffer ^= 1) {
    if (count > other_rows) copy_others(count - other_rows, buffer ^ 1);
    const unsigned from = buffer * 2 * Tiles::Other::bytes;
    const unsigned phi = shared.phi + from + Tiles::Other::channels_first(lane),
                   g = shared.g + from + Tiles::Other::rows_first(lane);
    if (own < positions) {
      if (count >= other_rows)
        rows.template add<other_rows>(theta, phi, g, other_rows);
      else
#pragma unroll 1
        for (int c = 0; c < count; c += 16) rows.template add<16>(theta, phi + 16 * c, g + 16 * c, count - c);
    }
    wait_for_copies();
    __syncthreads();
  }
  if (own < positions) rows.store(o + (first + own) * D, log_sum_exp + first + own, positions - own);
}

template <int D>
void run(Cuda ctx, const Attention& dims, const bf16* qkv, bf16* o, float* log_sum_exp) {
  launch(ctx, attend_mma<D>, {dims.N * blocks_for(dims.positions, own_rows)}, attention_mma_threads,
         Shared<D>::bytes, static_cast<int>(dims.positions), qkv, o, log_sum_exp);
}

}  // namespace

void attention_forward_mma(Cuda ctx, const Attention& dims, const bf16* qkv, bf16* o, float* log_sum_exp) {
  if (dims.d == 32)
    run<32>(ctx, dims, qkv, o, log_sum_exp);
  else if (dims.d == 64)
    run<64>(ctx, dims, qkv, o, log_sum_exp);
  else
    run<128>(ctx, dims, qkv, o, log_sum_exp);
}

}  // namespace fermion::kernels
