// Sums over a warp, a grid and rows: every number counts once.
#include <cmath>

#include "kernels/reduce.cuh"
#include "kernels/row_sums.cuh"
#include "tests/kernels/cuda_rig.cuh"

using namespace fermion::kernels;
using namespace fermion::test;

namespace {

__global__ void over_a_warp(const float* numbers, float* sum, float* max) {
  sum[threadIdx.x] = warp_sum(numbers[threadIdx.x]);
  max[threadIdx.x] = warp_max(numbers[threadIdx.x]);
}

// i + 1, so that a sum of the first ones tells how many there were.
struct Term {
  __device__ double operator()(std::int64_t i) const { return static_cast<double>(i + 1); }
};
struct Keep {
  double* sum;
  __device__ void operator()(double value) const { *sum = value; }
};

__global__ void over_rows(const double* numbers, double* sums) {
  const int at = threadIdx.y * row_channels + threadIdx.x;
  sums[at] = sum_rows(numbers[at]);
  __syncthreads();
  sums[at] += 1000 * sum_rows(2 * numbers[at]);
}

}  // namespace

TEST_CASE("each lane gets the sum and the maximum of a warp; a NaN is no maximum") {
  Numbers<float> numbers(32, [](int i) { return static_cast<float>((7 * i + 5) % 32); }), sum(32), max(32);
  CudaRig rig;
  for (int largest = 0; largest < 32; ++largest) {
    numbers[largest] += 1000;
    rig.run(over_a_warp, {1}, 32, 0, numbers, sum, max);
    for (int lane = 0; lane < 32; ++lane) {
      INFO("lane ", lane, ", largest ", largest);
      CHECK(sum[lane] == 1000 + 31 * 32 / 2);
      CHECK(max[lane] == numbers[largest]);
    }
    numbers[largest] -= 1000;
  }
  numbers[9] = NAN;
  rig.run(over_a_warp, {1}, 32, 0, numbers, sum, max);
  for (int lane = 0; lane < 32; ++lane) {
    CHECK(std::isnan(sum[lane]));
    CHECK(max[lane] == 31);
  }
}

TEST_CASE("sum_terms adds every term, of none, of part of a block and of many blocks") {
  for (const std::int64_t count : {0, 1, 31, 255, 256, 257, 70'000}) {
    CudaRig rig;
    Numbers<double> sum(1, [](int) { return -1; });
    sum_terms(rig.context(), count, Term{}, Keep{sum});
    rig.finish();
    INFO(count, " terms");
    CHECK(sum[0] == static_cast<double>(count * (count + 1) / 2));
  }
}

TEST_CASE("sum_rows adds a channel's rows in their order, for each of them, call after call") {
  // In another order the sum of these would be another: the ones are lost beside 2^53, or not.
  constexpr int count = row_channels * row_threads;
  Numbers<double> numbers(count, [](int i) {
    const int row = i / row_channels, channel = i % row_channels;
    return row == channel % 14 ? 0x1p53 : row == channel % 14 + 2 ? -0x1p53 : row + 1.0;
  });
  Numbers<double> sums(count);
  CudaRig().run(over_rows, {1}, dim3(row_channels, row_threads), 0, numbers, sums);
  for (int i = 0; i < count; ++i) {
    double once = 0, twice = 0;
    for (int row = 0; row < row_threads; ++row) {
      once += numbers[row * row_channels + i % row_channels];
      twice += 2 * numbers[row * row_channels + i % row_channels];
    }
    INFO("channel ", i % row_channels, ", row ", i / row_channels);
    CHECK(sums[i] == once + 1000 * twice);
  }
}
