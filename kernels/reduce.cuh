// Sums over a warp, a block and a grid. Every order of additions is fixed by the counts alone, so that the
// same numbers give the same bits.
#pragma once

#include <cstdint>

#include "kernels/launch.cuh"

namespace fermion::kernels {

// All 32 lanes call it and receive the sum.
template <class V>
__device__ V warp_sum(V value) {
#pragma unroll
  for (int lanes = 16; lanes > 0; lanes /= 2) value += __shfl_xor_sync(0xFFFFFFFF, value, lanes);
  return value;
}

// A NaN is passed over.
__device__ inline float warp_max(float value) {
#pragma unroll
  for (int lanes = 16; lanes > 0; lanes /= 2) value = fmaxf(value, __shfl_xor_sync(0xFFFFFFFF, value, lanes));
  return value;
}

inline constexpr int sum_threads = 256;

// All threads of a block of sum_threads call it, once; thread 0 receives the sum.
__device__ inline double block_sum(double value) {
  constexpr int warps = sum_threads / 32;
  __shared__ double sums[warps];
  value = warp_sum(value);
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = value;
  __syncthreads();
  if (threadIdx.x >= 32) return 0;
  return warp_sum(threadIdx.x < warps ? sums[threadIdx.x] : 0.0);
}

// The sum of all partials, to thread 0 of the one block that calls it.
__device__ inline double sum_partials(std::int64_t count, const double* partials) {
  double sum = 0;
  for (std::int64_t i = threadIdx.x; i < count; i += sum_threads) sum += partials[i];
  return block_sum(sum);
}

template <class Term>
__global__ void __launch_bounds__(sum_threads) sum_blocks(std::int64_t count, Term term, double* partials) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * sum_threads + threadIdx.x;
  const double sum = block_sum(i < count ? term(i) : 0.0);
  if (threadIdx.x == 0) partials[blockIdx.x] = sum;
}

template <class Finish>
__global__ void __launch_bounds__(sum_threads)
    finish_sum(std::int64_t count, const double* partials, Finish finish) {
  const double sum = sum_partials(count, partials);
  if (threadIdx.x == 0) finish(sum);
}

// Calls finish(term(0) + ... + term(count - 1)) on one thread of the device. term and finish are functors of
// the device: double term(std::int64_t), void finish(double).
template <class Term, class Finish>
void sum_terms(Cuda ctx, std::int64_t count, const Term& term, const Finish& finish) {
  const std::int64_t blocks = blocks_for(count, sum_threads);
  double* partials = ctx.workspace.take<double>(blocks);
  launch(ctx, sum_blocks<Term>, {blocks}, sum_threads, 0, count, term, partials);
  launch(ctx, finish_sum<Finish>, {1}, sum_threads, 0, blocks, partials, finish);
}

}  // namespace fermion::kernels
