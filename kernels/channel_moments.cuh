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
// what the last block reads. `counter` is 0 before and after.
__device__ inline bool is_last_block(unsigned* counter, unsigned blocks) {
  __shared__ bool last;
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) last = atomicInc(counter, blocks - 1) == blocks - 1;
  __syncthreads();
  __threadfence();
  return last;
}

// mean and 1 / sqrt(variance + 1e-5) of one channel from its moments in `rows` rows, `stride` apart.
__device__ inline void finish_moments(const Moments* row, int rows, std::int64_t stride, float* mean,
                                      float* inv_std) {
  double count = 0, sum = 0, m2 = 0;
  for (int i = 0; i < rows; ++i) {
    const Moments m = row[i * stride];
    count += static_cast<double>(m.count);
    sum += static_cast<double>(m.count) * static_cast<double>(m.mean);
  }
  const double centre = sum / count;
  for (int i = 0; i < rows; ++i) {
    const Moments m = row[i * stride];
    const double difference = static_cast<double>(m.mean) - centre;
    m2 += static_cast<double>(m.m2) + static_cast<double>(m.count) * difference * difference;
  }
  *mean = static_cast<float>(centre);
  *inv_std = static_cast<float>(1 / sqrt(m2 / count + 1e-5));
}

}  // namespace fermion::kernels
