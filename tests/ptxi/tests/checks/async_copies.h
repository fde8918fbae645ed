// cp.async: its two addresses, its target and source while it is in flight.
#pragma once
#include "../test.h"

// A copy of 16 bytes to s[to] from x[from], and, if `write`, a store there before it has arrived.
__global__ void cp(const float* x, float* o, int to, int from, bool write) {
  __shared__ __align__(16) float s[16];
  unsigned p = (unsigned)__cvta_generic_to_shared(s + to);
  asm volatile("cp.async.ca.shared.global [%0],[%1],16;" ::"r"(p), "l"(x + from) : "memory");
  if (write) s[to] = 1;
  asm volatile("cp.async.wait_all;" ::: "memory");
  o[0] = s[to];
}
__global__ void cp_no_wait(const float* x, float* o) {
  __shared__ __align__(16) float s[128];
  unsigned p = (unsigned)__cvta_generic_to_shared(s) + threadIdx.x * 16;
  asm volatile("cp.async.ca.shared.global [%0],[%1],16;" ::"r"(p), "l"(x + threadIdx.x * 4));
  asm volatile("cp.async.commit_group;");
  __syncthreads();
  o[threadIdx.x] = s[threadIdx.x * 4];
}
enum CopySource { OWN_WRITE, OTHER_WARP, WAITED };
// The source of copies is overwritten.
__global__ void cp_source(float* x, float* o, CopySource mode) {
  __shared__ float s[32];
  const int t = threadIdx.x;
  const auto wait = [] { asm volatile("cp.async.wait_all;" ::: "memory"); };
  if (t < 32) {
    unsigned p = (unsigned)__cvta_generic_to_shared(s + t);
    x[t] = t;
    asm volatile("cp.async.ca.shared.global [%0],[%1],4;" ::"r"(p), "l"(x + t) : "memory");
    if (mode == WAITED) wait();
    if (mode != OTHER_WARP) x[t] = 1;
  }
  __syncthreads();
  if (mode != OWN_WRITE && t >= 32) x[t - 32] = 2;
  wait();
  __syncthreads();
  o[t] = s[t % 32];
}

static void async_copies(float* f, float* g) {
  if (is("ok_cp")) cp<<<1, 1>>>(f, g, 4, 8, false);
  if (is("cp_shared_oob")) cp<<<1, 1>>>(f, g, 16, 0, false);
  if (is("cp_global_oob")) cp<<<1, 1>>>(f, g, 0, 64, false);
  if (is("cp_shared_misaligned")) cp<<<1, 1>>>(f, g, 1, 0, false);
  if (is("cp_global_misaligned")) cp<<<1, 1>>>(f, g, 0, 2, false);
  if (is("cp_write_target")) cp<<<1, 1>>>(f, g, 0, 0, true);
  if (is("cp_no_wait")) cp_no_wait<<<1, 16>>>(f, g);
  if (is("cp_source_own")) cp_source<<<1, 64>>>(f, g, OWN_WRITE);
  if (is("cp_source_other")) cp_source<<<1, 64>>>(f, g, OTHER_WARP);
  if (is("ok_cp_source")) cp_source<<<1, 64>>>(f, g, WAITED);
}
