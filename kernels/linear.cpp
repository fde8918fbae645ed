#include "kernels/linear.h"

#include <algorithm>
#include <oneapi/dnnl/dnnl.h>
#include <stdexcept>

namespace fermion::kernels {
namespace {

// A matrix whose rows are contiguous, or the transpose of one.
struct Matrix {
  const float* data;
  char transposed;  // 'N' or 'T'
  std::int64_t row;
};

// C [M, N] = A [M, K] B [K, N], or C + A B. A single layer takes every thread, a layer of a bank one.
void multiply(std::int64_t M, std::int64_t N, std::int64_t K, Matrix A, Matrix B, float* C, Write write) {
  const bool accumulate = write == Write::accumulate;
  if (K == 0 && !accumulate) std::fill_n(C, M * N, 0.0f);
  if (M == 0 || N == 0 || K == 0) return;
  dnnl_sgemm(A.transposed, B.transposed, M, N, K, 1, A.data, A.row, B.data, B.row, accumulate ? 1 : 0, C, N);
}

void sum_rows(std::int64_t M, std::int64_t Co, const float* dy, float* dbias, Write write) {
  for (std::int64_t o = 0; o < Co; ++o) {
    double sum = write == Write::accumulate ? dbias[o] : 0;
    for (std::int64_t m = 0; m < M; ++m) sum += dy[m * Co + o];
    dbias[o] = static_cast<float>(sum);
  }
}

}  // namespace

void linear_forward(Cpu ctx, const Linear& dims, const float* x, const float* weight, const float* bias,
                    float* y) {
  const auto [K, M, Ci, Co] = dims;
#pragma omp parallel for num_threads(ctx.threads) if (dims.K > 1)
  for (std::int64_t k = 0; k < dims.K; ++k) {
    float* out = y + k * M * Co;
    if (bias)
      for (std::int64_t m = 0; m < M; ++m) std::copy_n(bias + k * Co, Co, out + m * Co);
    multiply(M, Co, Ci, {x + k * M * Ci, 'N', Ci}, {weight + k * Co * Ci, 'T', Ci}, out,
             bias ? Write::accumulate : Write::overwrite);
  }
}

void linear_backward(Cpu ctx, const Linear& dims, const float* x, const float* weight, const float* dy,
                     Gradient<float> dx, Gradient<float> dweight, Gradient<float> dbias) {
  const auto [K, M, Ci, Co] = dims;
#pragma omp parallel for num_threads(ctx.threads) if (dims.K > 1)
  for (std::int64_t k = 0; k < dims.K; ++k) {
    const float* d = dy + k * M * Co;
    if (dx)
      multiply(M, Ci, Co, {d, 'N', Co}, {weight + k * Co * Ci, 'N', Ci}, dx.data + k * M * Ci, dx.write);
    if (dweight)
      multiply(Co, Ci, M, {d, 'T', Co}, {x + k * M * Ci, 'N', Ci}, dweight.data + k * Co * Ci, dweight.write);
    if (dbias) sum_rows(M, Co, d, dbias.data + k * Co, dbias.write);
  }
}

}  // namespace fermion::kernels
