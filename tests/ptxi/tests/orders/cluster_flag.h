// The scope of a cluster, which is a block where a launch names no other.
#pragma once
#include "common.h"

__device__ void store_release_cluster(int* p, int v) {
#if __CUDA_ARCH__ >= 900
  asm volatile("st.release.cluster.global.s32 [%0], %1;" ::"l"(__cvta_generic_to_global(p)), "r"(v)
               : "memory");
#endif
}
__global__ void cluster_flag(int* data, int* flag) {
  const int writer = 0, reader = gridDim.x > 1 ? gridDim.x - 1 : 0;
  if (blockIdx.x == writer && threadIdx.x == 0) {
    data[0] = 1;
    store_release_cluster(flag, 1);
  }
  if (blockIdx.x == reader && threadIdx.x == 32) {
    while (!load_acquire(flag)) {
    }
    data[1] = data[0];
  }
}

static void cluster_flags(int* a, int* b) {
  if (is("ok_cluster_flag")) cluster_flag<<<1, threads>>>(a, b);
  if (is("cluster_flag")) cluster_flag<<<2, threads>>>(a, b);
}
