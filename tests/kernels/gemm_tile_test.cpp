#include <cmath>
#include <doctest/doctest.h>
#include <vector>

#include "kernels/rng.h"
#include "tests/instruction_sets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/kernels/gemm_tile_test.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/gemm_tile-inl.h"
#include "kernels/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fermion::kernels::HWY_NAMESPACE {

// A [M, K] with rows of K + 3 floats, or [K, M] with rows of M + 3; B's rows are N + 5 floats, C's N + 1.
void Multiply(std::int64_t M, std::int64_t N, std::int64_t K, bool transposed, const float* A, const float* B,
              float* C, bool accumulate) {
  const StridedMatrix a = transposed ? StridedMatrix{A, 1, M + 3} : StridedMatrix{A, K + 3, 1};
  multiply(M, N, K, a, {B, N + 5}, {C, N + 1}, accumulate ? Write::accumulate : Write::overwrite);
}

// Rows of columns + 2 floats to rows of rows + 1.
void Transpose(std::int64_t rows, std::int64_t columns, const float* from, float* to) {
  transpose(rows, columns, {from, columns + 2}, {to, rows + 1}, -0.5f);
}

}  // namespace fermion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fermion::kernels {
namespace {

HWY_EXPORT(Multiply);
HWY_EXPORT(Transpose);

// Whole numbers in -4 .. 4: sums of products are exact.
std::vector<float> whole_numbers(std::int64_t size, std::uint32_t stream) {
  const Random random{1, stream, 0};
  std::vector<float> values(static_cast<std::size_t>(size));
  for (std::uint64_t i = 0; i < values.size(); ++i)
    values[i] = std::floor(static_cast<float>(random.uniform(i)) * 9) - 4;
  return values;
}

void check_multiply(std::int64_t M, std::int64_t N, std::int64_t K, bool transposed, bool accumulate) {
  CAPTURE(M);
  CAPTURE(N);
  CAPTURE(K);
  CAPTURE(transposed);
  CAPTURE(accumulate);
  const std::vector<float> A = whole_numbers((M + 3) * (K + 3), 0), B = whole_numbers(K * (N + 5), 1);
  const std::vector<float> before = whole_numbers(M * (N + 1), 2);
  std::vector<float> C = before;
  HWY_DYNAMIC_DISPATCH(Multiply)(M, N, K, transposed, A.data(), B.data(), C.data(), accumulate);
  int wrong = 0;
  for (std::int64_t m = 0; m < M; ++m)
    for (std::int64_t n = 0; n <= N; ++n) {
      const auto at = static_cast<std::size_t>(m * (N + 1) + n);
      float sum = accumulate || n == N ? before[at] : 0;  // column N lies outside
      for (std::int64_t k = 0; k < K && n < N; ++k)
        sum += A[static_cast<std::size_t>(transposed ? k * (M + 3) + m : m * (K + 3) + k)] *
               B[static_cast<std::size_t>(k * (N + 5) + n)];
      wrong += C[at] != sum;
    }
  CHECK(wrong == 0);
}

TEST_CASE("multiply is exact on whole numbers, on every instruction set") {
  test::on_every_instruction_set([](const char* name) {
    CAPTURE(name);
    for (const std::int64_t M : {1, 3, 4, 9})
      for (const std::int64_t N : {16, 32, 48, 64, 80, 144})
        for (const std::int64_t K : {0, 1, 33})
          for (const bool transposed : {false, true})
            for (const bool accumulate : {false, true}) check_multiply(M, N, K, transposed, accumulate);
  });
}

TEST_CASE("transpose moves every element and nothing else, on every instruction set") {
  test::on_every_instruction_set([](const char* name) {
    CAPTURE(name);
    for (const std::int64_t rows : {1, 3, 4, 7, 64})
      for (const std::int64_t columns : {1, 3, 4, 6, 35}) {
        CAPTURE(rows);
        CAPTURE(columns);
        const std::vector<float> from = whole_numbers(rows * (columns + 2), 3);
        std::vector<float> to(static_cast<std::size_t>(columns * (rows + 1)), 99);
        HWY_DYNAMIC_DISPATCH(Transpose)(rows, columns, from.data(), to.data());
        int wrong = 0;
        for (std::int64_t c = 0; c < columns; ++c)
          for (std::int64_t r = 0; r <= rows; ++r)
            wrong += to[static_cast<std::size_t>(c * (rows + 1) + r)] !=
                     (r == rows ? 99 : -0.5f * from[static_cast<std::size_t>(r * (columns + 2) + c)]);
        CHECK(wrong == 0);
      }
  });
}

}  // namespace
}  // namespace fermion::kernels
#endif
