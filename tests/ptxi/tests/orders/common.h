// Fences and strong accesses for which CUDA C++ has no function.
#pragma once
#include "../test.h"

constexpr int threads = 64, blocks = 8;

__device__ void fence_acq_rel() {
  asm volatile("fence.acq_rel.gpu;" ::: "memory");
}
__device__ void red_relaxed(int* p) {
  asm volatile("red.relaxed.gpu.global.add.s32 [%0], 1;" ::"l"(p) : "memory");
}
__device__ void red_release(int* p) {
  asm volatile("red.release.gpu.global.add.s32 [%0], 1;" ::"l"(p) : "memory");
}
__device__ void red_release_block(int* p) {
  asm volatile("red.release.cta.global.add.s32 [%0], 1;" ::"l"(p) : "memory");
}
__device__ int load_acquire(int* p) {
  int v;
  asm volatile("ld.acquire.gpu.global.s32 %0, [%1];" : "=r"(v) : "l"(p) : "memory");
  return v;
}
__device__ int load_acquire_block(int* p) {
  int v;
  asm volatile("ld.acquire.cta.global.s32 %0, [%1];" : "=r"(v) : "l"(p) : "memory");
  return v;
}
