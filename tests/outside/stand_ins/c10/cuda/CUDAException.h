// What FlashAttention does with the results of the runtime.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <cuda_runtime.h>

#define C10_CUDA_CHECK(call)                                       \
  do {                                                             \
    if (const cudaError_t error = (call); error != cudaSuccess)    \
      fprintf(stderr, "%s\n", cudaGetErrorString(error)), exit(1); \
  } while (0)
#define C10_CUDA_KERNEL_LAUNCH_CHECK() C10_CUDA_CHECK(cudaGetLastError())
