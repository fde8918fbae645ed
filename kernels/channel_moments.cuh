// Count, mean and sum of squared deviations (M2) of channels, merged as Chan, Golub and LeVeque (1979) do. A
// kernel's blocks leave theirs in a row each, and the block that is the last to do so merges the rows in
// their order: whichever that is, the bits are the same.
#pragma once

#include <cstdint>

namespace fermion::kernels {

struct Moments {
  float count = 0, mean = 0, m2 = 0;

  __device__ void merge(const Moments& other) {
    if (other.count == 0) return;
    const float both = count + other.count, share = other.count / both, difference = other.mean - mean;
    mean = fmaf(difference, share, mean);
    m2 += other.m2 + difference * difference * count * share;
    count = both;
  }
};

// Whether this block is the last of `blocks` to call it. All its threads do, once, after they have written
// what the last block reads; they form one row. `counter` is 0 before and after. Thread 0's fences are for
// all threads, for barriers lie between.
__device__ inline bool is_last_block(unsigned* counter, unsigned blocks) {
  __syncthreads();
  bool last = false;
  if (threadIdx.x == 0) {
    __threadfence();
    last = atomicInc(counter, blocks - 1) == blocks - 1;
    __threadfence();
  }
  return __syncthreads_or(last);
}

// The rows that blocks left behind, as all threads of the last block add them up: thread t has channel
// t % channels, and of its rows every lanes-th.
template <int channels, int threads>
struct LastBlock {
  static constexpr int lanes = threads / channels;
  double* shared;  // [threads], free

  __device__ static int channel() { return static_cast<int>(threadIdx.x) % channels; }
  __device__ static int lane() { return static_cast<int>(threadIdx.x) / channels; }

  // The sum over the lanes of a channel, in their order, for each of them. Between two calls lies a barrier.
  __device__ double sum(double own) const {
    shared[threadIdx.x] = own;
    __syncthreads();
    double all = 0;
    for (int i = 0; i < lanes; ++i) all += shared[channel() + i * channels];
    return all;
  }

  // mean and 1 / sqrt(variance + 1e-5) of a channel from its moments in `rows` rows, `stride` apart. A thread
  // with no channel has 0 rows, and nothing is written for it.
  __device__ void moments(const Moments* row, int rows, std::int64_t stride, float* mean,
                          float* inv_std) const {
    double count = 0, total = 0, m2 = 0;
#pragma unroll 4
    for (int i = lane(); i < rows; i += lanes) {
      const Moments m = row[i * stride];
      count += static_cast<double>(m.count);
      total += static_cast<double>(m.count) * static_cast<double>(m.mean);
    }
    count = sum(count);
    __syncthreads();
    const double centre = sum(total) / count;
#pragma unroll 4
    for (int i = lane(); i < rows; i += lanes) {
      const Moments m = row[i * stride];
      const double difference = static_cast<double>(m.mean) - centre;
      m2 += static_cast<double>(m.m2) + static_cast<double>(m.count) * difference * difference;
    }
    __syncthreads();
    m2 = sum(m2);
    if (lane() != 0 || rows == 0) return;
    *mean = static_cast<float>(centre);
    *inv_std = static_cast<float>(1 / sqrt(m2 / count + 1e-5));
  }
};

}  // namespace fermion::kernels
