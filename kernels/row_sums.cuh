// Sums of channels over rows that the blocks of a kernel left behind, in f64: a block of 32 channels, of
// whose rows thread y takes every 16th.
#pragma once

#include <cstdint>

namespace fermion::kernels {

inline constexpr int row_channels = 32, row_threads = 16;

// The thread's channel.
__device__ inline std::int64_t row_channel() {
  return std::int64_t{blockIdx.x} * row_channels + threadIdx.x;
}

// The sum over threadIdx.y of what each has, in their order, for each of them. Between two calls lies a
// barrier.
__device__ inline double sum_rows(double own) {
  __shared__ double shared[row_threads][row_channels];
  shared[threadIdx.y][threadIdx.x] = own;
  __syncthreads();
  double sum = 0;
  for (int row = 0; row < row_threads; ++row) sum += shared[row][threadIdx.x];
  return sum;
}

}  // namespace fermion::kernels
