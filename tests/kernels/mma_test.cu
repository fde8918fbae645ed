// Tensor cores and the loads of their operands, by numbers that name their row and column: any exchange, and
// any transposition, changes a result. All sums are exact.
#include "kernels/bf16.h"
#include "kernels/mma.cuh"
#include "tests/kernels/cuda_rig.cuh"

using namespace fermion::kernels;
using namespace fermion::test;

namespace {

constexpr int M = 16, N = 8, K = 16;

__device__ unsigned both(bf16 low, bf16 high) {
  return low.bits | static_cast<unsigned>(high.bits) << 16;
}

// d = c + a b of as many products as there are blocks, one warp each, with the registers that kernels/mma.cuh
// names.
__global__ void multiply(const bf16* a, const bf16* b, const float* c, float* d) {
  a += blockIdx.x * M * K, b += blockIdx.x * K * N, c += blockIdx.x * M * N, d += blockIdx.x * M * N;
  const int g = threadIdx.x / 4, q = threadIdx.x % 4;
  const unsigned words[4] = {both(a[g * K + 2 * q], a[g * K + 2 * q + 1]),
                             both(a[(g + 8) * K + 2 * q], a[(g + 8) * K + 2 * q + 1]),
                             both(a[g * K + 2 * q + 8], a[g * K + 2 * q + 9]),
                             both(a[(g + 8) * K + 2 * q + 8], a[(g + 8) * K + 2 * q + 9])};
  float sums[4] = {c[g * N + 2 * q], c[g * N + 2 * q + 1], c[(g + 8) * N + 2 * q],
                   c[(g + 8) * N + 2 * q + 1]};
  mma(sums, words, both(b[2 * q * N + g], b[(2 * q + 1) * N + g]),
      both(b[(2 * q + 8) * N + g], b[(2 * q + 9) * N + g]));
  for (int i = 0; i < 4; ++i) d[(g + i / 2 * 8) * N + 2 * q + i % 2] = sums[i];
}

// 32 rows of 8 numbers in shared memory, of which lane l gives `row[l]`.
template <bool Transposed>
__global__ void load_rows(const unsigned short* from, const int* row, unsigned* registers) {
  __shared__ alignas(16) unsigned short rows[32][8];
  const int lane = threadIdx.x;
  for (int i = 0; i < 8; ++i) rows[lane][i] = from[8 * lane + i];
  __syncthreads();
  unsigned r[4];
  (Transposed ? load_transposed : load_matrices)(r, shared_address(rows[row[lane]]));
  for (int i = 0; i < 4; ++i) registers[4 * lane + i] = r[i];
}

// d = a b, where b is 16 wide and both come from shared memory, along their depth or across it: a is [M, K]
// or [K, M], b [16, K] or [K, 16].
template <bool ARows, bool BRows>
__global__ void multiply_shared(const bf16* a, const bf16* b, float* d) {
  __shared__ alignas(16) bf16 a_tile[16][16], b_tile[16][16];
  const int lane = threadIdx.x, matrix = lane / 8, row = lane % 8;
  for (int i = lane; i < 256; i += 32) {
    a_tile[i / 16][i % 16] = a[i];
    b_tile[i / 16][i % 16] = b[i];
  }
  __syncthreads();
  unsigned x[4], y[4];
  const int m = matrix % 2 * 8, a_k = matrix / 2 * 8, n = matrix / 2 * 8, b_k = matrix % 2 * 8;
  if constexpr (ARows)
    load_matrices(x, shared_address(&a_tile[m + row][a_k]));
  else
    load_transposed(x, shared_address(&a_tile[a_k + row][m]));
  if constexpr (BRows)
    load_matrices(y, shared_address(&b_tile[n + row][b_k]));
  else
    load_transposed(y, shared_address(&b_tile[b_k + row][n]));
  for (int j = 0; j < 2; ++j) {
    float c[4] = {};
    mma(c, x, y[2 * j], y[2 * j + 1]);
    for (int i = 0; i < 4; ++i) d[(lane / 4 + i / 2 * 8) * 16 + 8 * j + 2 * (lane % 4) + i % 2] = c[i];
  }
}

bf16 number(int value) {
  return from_float<bf16>(static_cast<float>(value));
}

}  // namespace

TEST_CASE("mma: each element of A, B and C alone, and all of them, end up where their row and column say") {
  // A is i alone for i < M K, B i - M K alone after that, then C; the others name their place. At last, all
  // do.
  constexpr int alone = M * K + K * N + M * N, products = alone + 1;
  const auto place = [](int i, int size, int first) {
    const int product = i / size, element = i % size;
    return product < first || product >= first + size ? element : element == product - first ? 1 : 0;
  };
  Numbers<bf16> a(products * M * K, [&](int i) { return number(place(i, M * K, 0)); });
  Numbers<bf16> b(products * K * N, [&](int i) { return number(place(i, K * N, M * K)); });
  Numbers<float> c(products * M * N,
                   [&](int i) { return static_cast<float>(1024 * place(i, M * N, M * K + K * N)); });
  Numbers<float> d(products * M * N);
  CudaRig().run(multiply, {products}, 32, 0, a, b, c, d);
  for (int p = 0; p < products; ++p)
    for (int m = 0; m < M; ++m)
      for (int n = 0; n < N; ++n) {
        float sum = c[(p * M + m) * N + n];
        for (int k = 0; k < K; ++k)
          sum += to_float(a[(p * M + m) * K + k]) * to_float(b[(p * K + k) * N + n]);
        INFO("p ", p, " m ", m, " n ", n);
        CHECK(d[(p * M + m) * N + n] == sum);
      }
}

TEST_CASE(
    "load_matrices and load_transposed: rows of any lanes, in the registers of the lanes that they name") {
  Numbers<unsigned short> from(256, [](int i) { return static_cast<unsigned short>(i); });
  Numbers<int> row(32, [](int lane) { return (5 * lane + 3) % 32; });
  Numbers<unsigned> plain(128), transposed(128);
  CudaRig rig;
  rig.run(load_rows<false>, {1}, 32, 0, from, row, plain);
  rig.run(load_rows<true>, {1}, 32, 0, from, row, transposed);
  const auto at = [&](int matrix, int r, int c) {
    return static_cast<unsigned>(8 * row[8 * matrix + r] + c);
  };
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < 4; ++i) {
      const int g = lane / 4, q = lane % 4;
      INFO("lane ", lane, " i ", i);
      CHECK(plain[4 * lane + i] == (at(i, g, 2 * q) | at(i, g, 2 * q + 1) << 16));
      CHECK(transposed[4 * lane + i] == (at(i, 2 * q, g) | at(i, 2 * q + 1, g) << 16));
    }
}

TEST_CASE("operands of a product lie along their depth or across it") {
  Numbers<bf16> a(256, number), b(256, [](int i) { return number(255 - i); });
  Numbers<float> d(256);
  const auto check_product = [&](auto kernel, bool a_rows, bool b_rows) {
    CudaRig().run(kernel, {1}, 32, 0, a, b, d);
    INFO("a_rows ", a_rows, " b_rows ", b_rows);
    for (int m = 0; m < 16; ++m)
      for (int n = 0; n < 16; ++n) {
        float sum = 0;
        for (int k = 0; k < 16; ++k)
          sum +=
              to_float(a[a_rows ? 16 * m + k : 16 * k + m]) * to_float(b[b_rows ? 16 * n + k : 16 * k + n]);
        INFO("m ", m, " n ", n);
        CHECK(d[16 * m + n] == sum);
      }
  };
  check_product(multiply_shared<true, true>, true, true);
  check_product(multiply_shared<true, false>, true, false);
  check_product(multiply_shared<false, true>, false, true);
  check_product(multiply_shared<false, false>, false, false);
}
