// Data handed over in a block, over flags and locks in shared memory.
#pragma once
#include "common.h"

// One warp writes, another reads once the flag says so.
enum SharedFlag { fenced, not_fenced_before, not_fenced_after, by_other_lane };
template <bool global>
__global__ void shared_flag(int* global_data, int* out, SharedFlag kind) {
  __shared__ int shared_data[2], flag;
  int* const data = global ? global_data : shared_data;
  const int t = threadIdx.x;
  if (t == 0) flag = 0;
  __syncthreads();
  if (t == (kind == by_other_lane ? 1 : 0)) {
    data[0] = 1;
    if (kind != not_fenced_before) __threadfence_block();
  }
  if (t == 0) atomicExch(&flag, 1);
  if (t == 32) {
    while (atomicAdd(&flag, 0) == 0) {
    }
    if (kind != not_fenced_after) __threadfence_block();
    out[blockIdx.x] = data[0];
    data[0] = 2;
  }
}
// Threads of every warp add to the same plain number, under a lock.
__global__ void shared_lock(int* out, bool fence) {
  __shared__ int lock, sum;
  if (threadIdx.x == 0) lock = sum = 0;
  __syncthreads();
  for (bool done = threadIdx.x % 8 != 0; !done;) {
    if (atomicCAS(&lock, 0, 1) == 0) {
      __threadfence_block();
      sum += 1;
      if (fence) __threadfence_block();
      atomicExch(&lock, 0);
      done = true;
    }
  }
  __syncthreads();
  out[blockIdx.x * threads + threadIdx.x] = sum;
}
// All lanes of two warps read; a third writes when each lane has said so, or one of each warp.
template <bool global>
__global__ void shared_readers(int* global_data, int* out, bool all) {
  __shared__ int shared_data, readers;
  int* const data = global ? global_data + blockIdx.x : &shared_data;
  const int t = threadIdx.x;
  if (t == 0) *data = 7, readers = 0;
  __syncthreads();
  if (t < 64) {
    out[blockIdx.x * threads + t] = *data;
    __threadfence_block();
    if (all || t % 32 == 0) atomicAdd(&readers, 1);
  } else if (t == 64) {
    while (atomicAdd(&readers, 0) < (all ? 64 : 2)) {
    }
    __threadfence_block();
    *data = 8;
  }
}
// Two warps write, and all their threads fence; a thread of each sets a flag. All threads of a third fence,
// too.
enum AllFence { all_fenced, writers_before, readers_not };
template <bool global>
__global__ void shared_all_fence(int* global_data, int* out, AllFence kind) {
  __shared__ int shared_data[64], flags[2];
  int* const data = global ? global_data : shared_data;
  const int t = threadIdx.x;
  if (t < 2) flags[t] = 0;
  __syncthreads();
  if (t < 64) {
    if (kind == writers_before) __threadfence_block();
    data[t] = t;
    if (kind != writers_before) __threadfence_block();
    __syncwarp();
    if (t % 32 == 0) atomicExch(&flags[t / 32], 1);
  } else {
    if (t == 64)
      while (atomicAdd(&flags[0], 0) + atomicAdd(&flags[1], 0) < 2) {
      }
    __syncwarp();
    if (kind != readers_not) __threadfence_block();
    out[t - 64] = data[t - 64] + data[t - 32];
  }
}
// Half of the block waits for what the other half has written, over acquire and release.
__global__ void shared_release(int* out, bool release) {
  __shared__ int data[32], ready;
  const int t = threadIdx.x;
  if (t == 0) ready = 0;
  __syncthreads();
  const unsigned flag = (unsigned)__cvta_generic_to_shared(&ready);
  if (t < 32) {
    data[t] = t;
    if (release)
      asm volatile("red.release.cta.shared::cta.add.s32 [%0], 1;" ::"r"(flag) : "memory");
    else
      asm volatile("red.relaxed.cta.shared::cta.add.s32 [%0], 1;" ::"r"(flag) : "memory");
  } else {
    int ready_now = 0;
    while (ready_now < 32)
      asm volatile("ld.acquire.cta.shared::cta.s32 %0, [%1];" : "=r"(ready_now) : "r"(flag) : "memory");
    out[blockIdx.x * threads + t] = data[63 - t];
  }
}

static void shared_flags(int* a, int* b) {
  const auto flag = [&](SharedFlag kind) {
    shared_flag<false><<<2, threads>>>(a, b, kind);
    shared_flag<true><<<1, threads>>>(a, b, kind);
  };
  if (is("ok_shared_flag")) flag(fenced);
  if (is("shared_flag_not_fenced_before")) flag(not_fenced_before);
  if (is("shared_flag_not_fenced_after")) flag(not_fenced_after);
  if (is("shared_flag_by_other_lane")) flag(by_other_lane);
  if (is("ok_shared_lock")) shared_lock<<<3, threads>>>(a, true);
  if (is("shared_lock")) shared_lock<<<3, threads>>>(a, false);
  const auto readers = [&](bool all) {
    shared_readers<false><<<2, 96>>>(b, a, all);
    shared_readers<true><<<2, 96>>>(b, a, all);
  };
  if (is("ok_shared_readers_flag")) readers(true);
  if (is("shared_readers_flag")) readers(false);
  const auto all_fence = [&](AllFence kind) {
    shared_all_fence<false><<<1, 96>>>(a, b, kind);
    shared_all_fence<true><<<1, 96>>>(a, b, kind);
  };
  if (is("ok_shared_all_fence_flag")) all_fence(all_fenced);
  if (is("shared_all_fence_flag_writers_before")) all_fence(writers_before);
  if (is("shared_all_fence_flag_readers_not")) all_fence(readers_not);
  if (is("ok_shared_release")) shared_release<<<3, threads>>>(a, true);
  if (is("shared_release")) shared_release<<<3, threads>>>(a, false);
}
