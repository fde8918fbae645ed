// Launches that are refused, and those that end early: by the limit of steps, a trap, an assertion.
#pragma once
#include <cassert>

#include "../test.h"
#include "memory.h"

__global__ void trap_kernel() {
  asm volatile("trap;");
}
__global__ void assert_kernel(int x) {
  assert(x == 1);
}
__global__ void branch_by_table(int* o, int n) {
  int r = 0;
  asm volatile(
      "{\nTABLE: .branchtargets FIRST, SECOND;\n"
      "brx.idx %1, TABLE;\n"
      "FIRST: mov.u32 %0, 1;\n"
      "SECOND: add.u32 %0, %0, 2;\n}"
      : "+r"(r)
      : "r"(n));
  o[0] = r;
}
extern __shared__ float dynamic[];
__global__ void dyn(float* o) {
  o[threadIdx.x] = dynamic[threadIdx.x] = 1;
}
__global__ void __launch_bounds__(64) bounded(float* o) {
  o[threadIdx.x] = 1;
}
// Some lanes of the warp turn n times.
__global__ void turns(int n, int lanes) {
  if (threadIdx.x < lanes) {
#pragma unroll 1
    for (int i = 0; i < n; i++) asm volatile("");
  }
  __syncwarp();
}
// Each block waits until all have come.
__global__ void wait_for_all(int* count) {
  if (threadIdx.x == 0) {
    atomicAdd(count, 1);
    while (atomicAdd(count, 0) < (int)gridDim.x)
      ;
  }
}

// `more` blocks than fit on the device at once, one on a multiprocessor.
static void crowd(int* i, int more) {
  int per_sm, sms;
  CK(cudaFuncSetAttribute(wait_for_all, cudaFuncAttributeMaxDynamicSharedMemorySize, 100 << 10));
  CK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&per_sm, wait_for_all, 32, 100 << 10));
  CK(cudaDeviceGetAttribute(&sms, cudaDevAttrMultiProcessorCount, 0));
  wait_for_all<<<per_sm * sms + more, 32, 100 << 10>>>(i);
}

// Whatever is not known must not be taken for something else.
#define REFUSED(name, ptx)                 \
  __global__ void name(int* o, float x) {  \
    asm volatile(ptx : "+r"(*o) : "f"(x)); \
  }
REFUSED(packed_integers, "add.u16x2 %0, %0, %0;")
REFUSED(no_constant, "mov.u32 %0, 1_000;")
REFUSED(no_expression, "mov.u32 %0, (1+2;")
REFUSED(division_by_zero, "mov.u32 %0, 1/(2-2);")
REFUSED(float_as_integer, "add.s32 %0, %0, 1.5;")
REFUSED(integer_as_float, "{.reg .f32 f; add.f32 f, %1, 1; mov.b32 %0, f;}")
REFUSED(no_offset, "ld.shared.u32 %0, [%0+16x];")

__device__ __noinline__ int odd(int n);
__device__ __noinline__ int even(int n) {
  return n == 0 ? 1 : odd(n - 1) + 2 * n;
}
__device__ __noinline__ int odd(int n) {
  return n == 0 ? 0 : even(n - 1) ^ n;
}
__global__ void recursive(int* o, float) {
  *o = even(*o);
}

// Each of them calls the next twice.
template <int I>
__device__ __noinline__ int doubled(int x) {
  if constexpr (I == 0) {
    return x + 1;
  } else {
    const int once = doubled<I - 1>(x);
    return once & 1 ? doubled<I - 1>(once ^ x) : once;
  }
}
__global__ void too_large(int* o, float) {
  *o = doubled<70>(*o);
}

static void refused_launches(float* f) {
#define LAUNCHED(name) \
  if (is(#name)) name<<<1, 1>>>((int*)f, 1);
  LAUNCHED(packed_integers)
  LAUNCHED(no_constant)
  LAUNCHED(no_expression)
  LAUNCHED(division_by_zero)
  LAUNCHED(float_as_integer)
  LAUNCHED(integer_as_float)
  LAUNCHED(no_offset)
  LAUNCHED(recursive)
  LAUNCHED(too_large)
  if (is("dynamic_shared")) dyn<<<1, 32, 60000>>>(f);
  if (is("ok_dynamic_shared")) {
    CK(cudaFuncSetAttribute(dyn, cudaFuncAttributeMaxDynamicSharedMemorySize, 60000));
    dyn<<<1, 32, 60000>>>(f);
  }
  if (is("launch_bounds")) bounded<<<1, 128>>>(f);
  if (is("block_size")) fill<<<1, 2000>>>(f);
  if (is("empty_grid")) fill<<<0, 1>>>(f);
  if (is("grid_size")) fill<<<dim3(1, 65536), 1>>>(f);
  if (is("cooperative_size") || is("ok_cooperative_size")) {
    int per_sm, sms;
    CK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&per_sm, fill, 64, 0));
    CK(cudaDeviceGetAttribute(&sms, cudaDevAttrMultiProcessorCount, 0));
    void* args[] = {&f};
    cudaLaunchCooperativeKernel((void*)fill, per_sm * sms + is("cooperative_size"), 64, args, 0, 0);
  }
}

static void ended_launches(int* i) {
  if (is("ok_blocks_wait")) crowd(i, 0);
  if (is("blocks_wait")) crowd(i, 1);
  if (is("ok_steps")) turns<<<16, 32>>>(100, 32);
  if (is("steps")) turns<<<1, 32>>>(1 << 22, 32);
  if (is("steps_of_a_part")) turns<<<1, 32>>>(1 << 22, 16);
  if (is("branch_table")) branch_by_table<<<1, 1>>>(i, 2);
  if (is("trap")) trap_kernel<<<1, 32>>>();
  if (is("assert")) assert_kernel<<<1, 32>>>(2);
}
