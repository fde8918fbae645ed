// What the lanes of a warp exchange, by numbers that name their lane (g, q) and place.
#include "kernels/fragment_rows.cuh"
#include "tests/kernels/cuda_rig.cuh"

using namespace fermion::kernels;
using namespace fermion::test;

namespace {

__global__ void exchange(unsigned* words, const float* numbers, float* row_sum, float* row_sum_of,
                         float* of_rows) {
  const int lane = threadIdx.x;
  unsigned word[4];
  for (int i = 0; i < 4; ++i) word[i] = words[4 * lane + i];
  transpose_quad(word);
  for (int i = 0; i < 4; ++i) words[4 * lane + i] = word[i];

  float number[8], from_g[8];
  for (int i = 0; i < 8; ++i) number[i] = numbers[8 * lane + i];
  row_sum[lane] = add_rows(number[3]);
  row_sum_of[lane] = add_rows_of(number);
  from_rows(from_g, number[5]);
  for (int i = 0; i < 8; ++i) of_rows[8 * lane + i] = from_g[i];
}

}  // namespace

TEST_CASE("lanes exchange words, sums over their rows and what each row has") {
  Numbers<unsigned> words(4 * 32, [](int i) { return static_cast<unsigned>(i); });
  // 4^g times what names q and the place: a lane that is left out of a sum, or comes twice, is seen.
  Numbers<float> numbers(8 * 32, [](int i) {
    const int g = i / 32, q = i / 8 % 4;
    return static_cast<float>((1 << 2 * g) * (8 * q + i % 8 + 1));
  });
  Numbers<float> row_sum(32), row_sum_of(32), of_rows(8 * 32);
  CudaRig().run(exchange, {1}, 32, 0, words, numbers, row_sum, row_sum_of, of_rows);
  const auto sum_over_rows = [&](int q, int place) {
    float sum = 0;
    for (int g = 0; g < 8; ++g) sum += numbers[8 * (4 * g + q) + place];
    return sum;
  };
  for (int lane = 0; lane < 32; ++lane) {
    const int g = lane / 4, q = lane % 4;
    INFO("lane ", lane);
    for (int i = 0; i < 4; ++i) CHECK(words[4 * lane + i] == static_cast<unsigned>(4 * (4 * g + i) + q));
    CHECK(row_sum[lane] == sum_over_rows(q, 3));
    CHECK(row_sum_of[lane] == sum_over_rows(q, g));
    for (int i = 0; i < 8; ++i) CHECK(of_rows[8 * lane + i] == numbers[8 * (4 * i + q) + 5]);
  }
}
