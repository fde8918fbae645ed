// Races on shared memory between warps and within one: plain, volatile and atomic accesses.
#pragma once
#include "../test.h"

__global__ void race_warps(float* o) {
  __shared__ float s[64];
  s[threadIdx.x] = threadIdx.x;
  o[threadIdx.x] = s[63 - threadIdx.x];
}
__global__ void race_war(float* o) {
  __shared__ float s[64];
  s[threadIdx.x] = 1;
  __syncthreads();
  o[threadIdx.x] = s[63 - threadIdx.x];
  s[threadIdx.x] = 2;
}
__global__ void race_lanes(float* o, int mode) {
  __shared__ float s[32];
  s[threadIdx.x] = threadIdx.x;
  if (mode == 1) __syncwarp();
  if (mode == 2) __shfl_sync(~0u, 1, 0);
  o[threadIdx.x] = s[31 - threadIdx.x];
}
__global__ void lanes_volatile(float* o) {
  __shared__ volatile float s[32];
  s[threadIdx.x] = threadIdx.x;
  o[threadIdx.x] = s[31 - threadIdx.x];
}
__global__ void race_same_address(float* o, int same) {
  __shared__ float s[1];
  s[0] = same ? 7 : threadIdx.x;
  __syncthreads();
  o[threadIdx.x] = s[0];
}
enum SharedAtomic {
  READ,
  OWN_ATOMIC_BEFORE,
  LANE_READS,
  OWN_LANE_BEFORE,
  VOLATILE_READ,
  BARRIERS,
  LANE_PAIRS
};
__global__ void shared_atomic(int* o, SharedAtomic mode) {
  __shared__ int count;
  const int t = threadIdx.x;
  if (t == 0) count = 0;
  __syncthreads();
  switch (mode) {
    case READ:
      if (t == 0) atomicAdd(&count, 1);
      if (t == 32) o[0] = count;
      break;
    case OWN_ATOMIC_BEFORE:
      if (t % 32 == 0) atomicAdd(&count, 1);
      if (t == 32) o[0] = count;
      break;
    case LANE_READS:
      if (t == 3) o[0] = count;
      if (t == 5) atomicAdd(&count, 1);
      break;
    case OWN_LANE_BEFORE:
      if (t < 32) atomicAdd(&count, 1);
      if (t == 31) o[0] = count;
      break;
    case VOLATILE_READ:
      if (t == 0) o[0] = *(volatile int*)&count;
      if (t == 32) count = 2;
      break;
    case BARRIERS:
      for (int i = 0; i < 2; i++) {
        atomicAdd(&count, 1);
        o[t] = *(volatile int*)&count;
        __syncthreads();
        o[t] = count;
        __syncthreads();
      }
      break;
    case LANE_PAIRS:  // what lane 1 does comes after what lanes 0 and 2 do, which know nothing of each other
      if (t == 0) atomicAdd(&count, 1);
      if (t < 2) __syncwarp(3);
      if (t == 2) atomicAdd(&count, 1);
      if (t == 1 || t == 2) __syncwarp(6);
      if (t == 1) o[0] = count;
      if (t == 1 || t == 2) __syncwarp(6);
      if (t == 2) o[2] = count;
      if (t == 0 || t == 2) __syncwarp(5);
      if (t == 0) o[1] = count;
      if (t < 2) __syncwarp(3);
      if (t == 1) count = 0;
      break;
  }
}
// Lane 20 reads, or adds, and then lane 0, both in halves of a warp that synchronise apart; lane 3 writes.
// Lane 20 is known to lane 0 before, to lane 3 by way of that, or to neither.
enum Halves { APART, JOINED_BEFORE, JOINED_AFTER };
template <bool add>
__global__ void read_by_halves(int* o, Halves mode) {
  __shared__ int s;
  const int t = threadIdx.x;
  const unsigned half = t < 16 ? 0x0000ffffu : 0xffff0000u;
  const auto access = [&] { o[t] = add ? atomicAdd(&s, 1) : s; };
  if (t == 0) s = 7;
  __syncwarp();
  if (t == 20) access();
  __syncwarp(half);
  if (mode == JOINED_BEFORE && (t == 0 || t == 20)) __syncwarp(1u << 20 | 1);
  if (t == 0) access();
  if (mode == JOINED_AFTER && (t == 3 || t == 20)) __syncwarp(1u << 20 | 8);
  __syncwarp(half);
  if (t == 3) s = 9;
}

static void shared_races(float* f, int* i) {
  if (is("race_warps")) race_warps<<<1, 64>>>(f);
  if (is("race_war")) race_war<<<1, 64>>>(f);
  if (is("race_lanes")) race_lanes<<<1, 32>>>(f, 0);
  if (is("ok_lanes_syncwarp")) race_lanes<<<1, 32>>>(f, 1);
  if (is("lanes_shfl")) race_lanes<<<1, 32>>>(f, 2);
  if (is("lanes_volatile")) lanes_volatile<<<1, 32>>>(f);
  if (is("race_same_address")) race_same_address<<<1, 32>>>(f, 0);
  if (is("same_value")) race_same_address<<<1, 32>>>(f, 1);
  if (is("shared_atomic_read")) shared_atomic<<<1, 64>>>(i, READ);
  if (is("shared_atomic_own")) shared_atomic<<<1, 64>>>(i, OWN_ATOMIC_BEFORE);
  if (is("shared_atomic_lane")) shared_atomic<<<1, 32>>>(i, LANE_READS);
  if (is("shared_atomic_own_lane")) shared_atomic<<<1, 32>>>(i, OWN_LANE_BEFORE);
  if (is("read_by_halves")) read_by_halves<false><<<1, 32>>>(i, APART);
  if (is("add_by_halves")) read_by_halves<true><<<1, 32>>>(i, APART);
  if (is("ok_by_halves"))
    for (Halves mode : {JOINED_BEFORE, JOINED_AFTER}) {
      read_by_halves<false><<<1, 32>>>(i, mode);
      read_by_halves<true><<<1, 32>>>(i, mode);
    }
  if (is("shared_volatile")) shared_atomic<<<1, 64>>>(i, VOLATILE_READ);
  if (is("ok_shared_atomic")) shared_atomic<<<1, 64>>>(i, BARRIERS);
  if (is("ok_shared_atomic_lanes")) shared_atomic<<<1, 32>>>(i, LANE_PAIRS);
}
