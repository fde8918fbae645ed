// What the lanes of a warp exchange when they hold a fragment's sums (C in kernels/mma.cuh).
#pragma once

namespace fermion::kernels {

// Of four lanes with four words each, lane q gets word q of all four.
__device__ inline void transpose_quad(unsigned (&word)[4]) {
  const unsigned q = threadIdx.x % 4;
#pragma unroll
  for (int step = 1; step <= 2; step *= 2)
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      if (i & step) continue;
      // The words i and i + step: a lane keeps the one whose bit is its own.
      const unsigned other = __shfl_xor_sync(0xFFFFFFFF, q & step ? word[i] : word[i + step], step);
      (q & step ? word[i] : word[i + step]) = other;
    }
}

// The sum over the rows: of the lanes with the same q.
__device__ inline float add_rows(float value) {
#pragma unroll
  for (int lanes = 4; lanes < 32; lanes *= 2) value += __shfl_xor_sync(0xFFFFFFFF, value, lanes);
  return value;
}

// The same of eight values; lane (g, q) gets the g-th of its q. Each step halves what is left to add up.
__device__ inline float add_rows_of(const float (&values)[8]) {
  const unsigned g = threadIdx.x % 32 / 4;
  float left[8];
#pragma unroll
  for (int i = 0; i < 8; ++i) left[i] = values[i];
#pragma unroll
  for (int half = 4; half > 0; half /= 2)
#pragma unroll
    for (int i = 0; i < half; ++i) {
      const bool upper = g & half;
      const float away = upper ? left[i] : left[i + half], kept = upper ? left[i + half] : left[i];
      left[i] = kept + __shfl_xor_sync(0xFFFFFFFF, away, 4 * half);
    }
  return left[0];
}

// What lane (g, q) has of each of the eight g.
__device__ inline void from_rows(float (&values)[8], float value) {
  const unsigned q = threadIdx.x % 4;
#pragma unroll
  for (int g = 0; g < 8; ++g) values[g] = __shfl_sync(0xFFFFFFFF, value, 4 * g + q);
}

}  // namespace fermion::kernels
