#include "kernels/linear.h"

#include <algorithm>
#include <oneapi/dnnl/dnnl.h>
#include <stdexcept>
#include <string>

#include "kernels/loop_errors.h"

namespace fermion::kernels {
namespace {

// Rows are contiguous and `row` floats apart; 'T' stands for the transpose.
struct Matrix {
  const float* data;
  char transposed;
  std::int64_t row;
};

// C [M, N] = A [M, K] B [K, N], or C + A B. Inside a parallel loop oneDNN takes one thread; on its own it
// would take all of them, whose barriers cost more than matrices of a few rows.
void multiply(std::int64_t M, std::int64_t N, std::int64_t K, Matrix A, Matrix B, float* C, std::int64_t row,
              Write write) {
  const bool accumulate = write == Write::accumulate;
  if (K == 0 && !accumulate)
    for (std::int64_t m = 0; m < M; ++m) std::fill_n(C + m * row, N, 0.0f);
  if (M == 0 || N == 0 || K == 0) return;
  if (dnnl_sgemm(A.transposed, B.transposed, M, N, K, 1, A.data, A.row, B.data, B.row, accumulate ? 1 : 0, C,
                 row) != dnnl_success)
    throw std::runtime_error("oneDNN could not multiply [" + std::to_string(M) + ", " + std::to_string(K) +
                             "] by [" + std::to_string(K) + ", " + std::to_string(N) +
                             "], most likely for want of memory");
}

void sum_rows(std::int64_t M, std::int64_t Co, const float* dy, float* dbias, Write write) {
  for (std::int64_t o = 0; o < Co; ++o) {
    double sum = write == Write::accumulate ? dbias[o] : 0;
    for (std::int64_t m = 0; m < M; ++m) sum += dy[m * Co + o];
    dbias[o] = static_cast<float>(sum);
  }
}

// Into how many pieces a layer is cut; none is smaller than a quarter of a MFLOP.
std::int64_t pieces_of(const Linear& dims, int threads) {
  return std::clamp<std::int64_t>(dims.M * dims.Ci * dims.Co / 125'000, 1, threads);
}

}  // namespace

void linear_forward(Cpu ctx, const Linear& dims, const float* x, const float* weight, const float* bias,
                    float* y) {
  const auto [K, M, Ci, Co] = dims;
  const std::int64_t pieces = pieces_of(dims, ctx.threads);
  LoopErrors errors;
#pragma omp parallel for collapse(2) num_threads(ctx.threads)
  for (std::int64_t k = 0; k < dims.K; ++k)
    for (std::int64_t piece = 0; piece < pieces; ++piece)
      errors.collect([&] {
        const std::int64_t begin = piece * M / pieces, rows = (piece + 1) * M / pieces - begin;
        float* out = y + (k * M + begin) * Co;
        if (bias)
          for (std::int64_t m = 0; m < rows; ++m) std::copy_n(bias + k * Co, Co, out + m * Co);
        multiply(rows, Co, Ci, {x + (k * M + begin) * Ci, 'N', Ci}, {weight + k * Co * Ci, 'T', Ci}, out, Co,
                 bias ? Write::accumulate : Write::overwrite);
      });
  errors.rethrow();
}

void linear_backward(Cpu ctx, const Linear& dims, const float* x, const float* weight, const float* dy,
                     Gradient<float> dx, Gradient<float> dweight, Gradient<float> dbias) {
  const auto [K, M, Ci, Co] = dims;
  const std::int64_t pieces = pieces_of(dims, ctx.threads);
  LoopErrors errors;
  // A piece is some rows of dx and some columns of dweight.
#pragma omp parallel for collapse(2) num_threads(ctx.threads)
  for (std::int64_t k = 0; k < dims.K; ++k)
    for (std::int64_t piece = 0; piece < pieces; ++piece)
      errors.collect([&] {
        const float* d = dy + k * M * Co;
        if (dx) {
          const std::int64_t begin = piece * M / pieces, rows = (piece + 1) * M / pieces - begin;
          multiply(rows, Ci, Co, {d + begin * Co, 'N', Co}, {weight + k * Co * Ci, 'N', Ci},
                   dx.data + (k * M + begin) * Ci, Ci, dx.write);
        }
        if (dweight) {
          const std::int64_t begin = piece * Ci / pieces, columns = (piece + 1) * Ci / pieces - begin;
          multiply(Co, columns, M, {d, 'T', Co}, {x + k * M * Ci + begin, 'N', Ci},
                   dweight.data + k * Co * Ci + begin, Ci, dweight.write);
        }
        if (dbias && piece == 0) sum_rows(M, Co, d, dbias.data + k * Co, dbias.write);
      });
  errors.rethrow();
}

}  // namespace fermion::kernels
