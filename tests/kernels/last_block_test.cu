// What the last block of a kernel makes of the rows that all blocks left behind
// (kernels/channel_moments.cuh).
#include <cmath>

#include "kernels/channel_moments.cuh"
#include "tests/kernels/cuda_rig.cuh"

using namespace fermion::kernels;
using namespace fermion::test;

namespace {

constexpr int channels = 32, threads = 256;
using Last = LastBlock<channels, threads>;

// Each block leaves a row of numbers, and the last adds up all of them, by threads that did not write them.
__global__ void add_rows_in_last(int* rows, unsigned* counter, int* sums, int* times) {
  const int t = threadIdx.x, count = blockDim.x;
  rows[blockIdx.x * count + t] = 1000 * blockIdx.x + t;
  if (!is_last_block(counter, gridDim.x)) return;
  if (t == 0) ++*times;
  for (unsigned row = 0; row < gridDim.x; ++row) sums[t] += rows[row * count + count - 1 - t];
}

__global__ void add_lanes(const double* numbers, double* sums) {
  __shared__ double shared[threads];
  const Last last{shared};
  sums[threadIdx.x] = last.sum(numbers[threadIdx.x]);
  __syncthreads();
  sums[threadIdx.x] += 1000 * last.sum(2 * numbers[threadIdx.x]);
}

// The last `without` channels have no rows.
__global__ void merge_rows(const Moments* rows, int count, int stride, int without, float* mean,
                           float* inv_std) {
  __shared__ double shared[threads];
  const Last last{shared};
  const int c = Last::channel();
  last.moments(rows + c, c < channels - without ? count : 0, stride, mean + c, inv_std + c);
}

__global__ void merge_in_order(const Moments* parts, int count, Moments* all) {
  Moments sum;
  for (int i = 0; i < count; ++i) sum.merge(parts[i]);
  *all = sum;
}

// Of `count` numbers, from those at `first` on.
template <class Number>
Moments moments_of(int first, int count, const Number& number) {
  double mean = 0, m2 = 0;
  for (int i = first; i < first + count; ++i) mean += number(i) / count;
  for (int i = first; i < first + count; ++i) m2 += (number(i) - mean) * (number(i) - mean);
  return {static_cast<float>(count), static_cast<float>(mean), static_cast<float>(m2)};
}

}  // namespace

TEST_CASE("one block is the last, sees what all others wrote, and leaves its counter at 0") {
  CudaRig rig;
  Numbers<unsigned> counter(1);
  for (const int blocks : {1, 2, 37})
    for (int time = 0; time < 2; ++time) {
      Numbers<int> rows(static_cast<std::size_t>(64 * blocks)), sums(64), times(1);
      rig.run(add_rows_in_last, {blocks}, 64, 0, rows, counter, sums, times);
      INFO(blocks, " blocks");
      CHECK(times[0] == 1);
      CHECK(counter[0] == 0);
      for (int t = 0; t < 64; ++t) CHECK(sums[t] == 500 * blocks * (blocks - 1) + blocks * (63 - t));
    }
}

TEST_CASE("a channel's lanes are added in their order, for each of them, call after call") {
  // In another order the sum of these would be another: the ones are lost beside 2^53, or not.
  Numbers<double> numbers(threads, [](int i) {
    const int lane = i / channels, large = i % channels % (Last::lanes - 2);
    return lane == large ? 0x1p53 : lane == large + 2 ? -0x1p53 : lane + 1.0;
  });
  Numbers<double> sums(threads);
  CudaRig().run(add_lanes, {1}, threads, 0, numbers, sums);
  for (int i = 0; i < threads; ++i) {
    double once = 0, twice = 0;
    for (int lane = 0; lane < Last::lanes; ++lane) {
      once += numbers[lane * channels + i % channels];
      twice += 2 * numbers[lane * channels + i % channels];
    }
    INFO("channel ", i % channels, ", lane ", i / channels);
    CHECK(sums[i] == once + 1000 * twice);
  }
}

TEST_CASE("rows of any number, some of them empty, give a channel's mean and 1 / std") {
  constexpr int stride = channels + 5, without = 3;
  for (const int count : {1, 7, 8, 9, 100}) {
    const auto part = [](int row, int c) { return row % 4 == 3 ? 0 : 1 + (row + c) % 5; };
    const auto number = [](int row, int c) {
      return [=](int i) { return 3.0 * c + 0.25 * row + (i % 2 ? 1 : -1) * (c + 1); };
    };
    Numbers<Moments> rows(static_cast<std::size_t>(count * stride), [&](int i) {
      const int row = i / stride, c = i % stride;
      return part(row, c) ? moments_of(row, part(row, c), number(row, c)) : Moments{};
    });
    Numbers<float> mean(channels, [](int) { return -7; }), inv_std(channels, [](int) { return -7; });
    CudaRig().run(merge_rows, {1}, threads, 0, rows, count, stride, without, mean, inv_std);
    for (int c = 0; c < channels; ++c) {
      double all = 0, sum = 0, squares = 0;
      const auto for_each = [&](const auto& body) {
        for (int row = 0; row < count; ++row)
          for (int i = row; i < row + part(row, c); ++i) body(number(row, c)(i));
      };
      for_each([&](double x) { ++all, sum += x; });
      for_each([&](double x) { squares += (x - sum / all) * (x - sum / all); });
      INFO(count, " rows, channel ", c);
      if (c < channels - without) {
        CHECK(mean[c] == doctest::Approx(sum / all).epsilon(1e-6));
        CHECK(inv_std[c] == doctest::Approx(1 / std::sqrt(squares / all + 1e-5)).epsilon(1e-6));
      } else {
        CHECK(mean[c] == -7);
        CHECK(inv_std[c] == -7);
      }
    }
  }
}

TEST_CASE("moments of parts, merged, are those of all, far from zero too") {
  const auto number = [](int i) { return 1e4 + i * i % 17; };
  const int lengths[] = {0, 1, 5, 0, 64, 3}, count = 73;
  int first = 0;
  Numbers<Moments> parts(6, [&](int i) {
    const Moments part = lengths[i] ? moments_of(first, lengths[i], number) : Moments{};
    first += lengths[i];
    return part;
  });
  Numbers<Moments> all(1);
  CudaRig().run(merge_in_order, {1}, 1, 0, parts, 6, all);
  const Moments expected = moments_of(0, count, number);
  CHECK(all[0].count == count);
  CHECK(all[0].mean == doctest::Approx(expected.mean).epsilon(1e-6));
  CHECK(all[0].m2 == doctest::Approx(expected.m2).epsilon(1e-3));
}
