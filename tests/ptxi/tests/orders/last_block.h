// "Last block" reductions: each thread leaves a number; the block that takes the last ticket adds them up.
#pragma once
#include "common.h"

enum Fence { none, by_all, by_all_light, by_first, in_block };
template <Fence kind>
__device__ void fence() {
  if (kind == by_all) __threadfence();
  if (kind == by_all_light) fence_acq_rel();
  if (kind == by_first && threadIdx.x == 0) __threadfence();
  if (kind == in_block) __threadfence_block();
}
template <Fence early, bool barrier, Fence late, Fence seen, Fence used>
__global__ void last_block(int* parts, int* ticket, int* sums) {
  __shared__ bool last;
  const int t = threadIdx.x;
  parts[blockIdx.x * threads + t] = 1;
  fence<early>();
  if (barrier) __syncthreads();
  fence<late>();
  if (t == 0) last = atomicAdd(ticket, 1) == gridDim.x - 1;
  fence<seen>();
  __syncthreads();
  fence<used>();
  if (!last) return;
  int sum = 0;
  for (int i = 0; i < gridDim.x; i++) sum += parts[i * threads + t];
  sums[t] = sum;
}
// The ticket's scope is the block.
__global__ void block_ticket(int* ticket) {
  if (threadIdx.x == 0) atomicAdd_block(ticket, 1);
}
// Thread 0 writes after its fence.
__global__ void late_write(int* parts, int* ticket, int* sums, bool late) {
  if (threadIdx.x != 0) return;
  if (!late) parts[blockIdx.x] = 1;
  __threadfence();
  if (late) parts[blockIdx.x] = 1;
  const bool last = atomicAdd(ticket, 1) == gridDim.x - 1;
  __threadfence();
  if (!last) return;
  int sum = 0;
  for (int i = 0; i < gridDim.x; i++) sum += parts[i];
  sums[0] = sum;
  *ticket = 0;
}
// The last block resets the ticket: its atomic has read what the others' wrote.
__global__ void reset(int* ticket) {
  if (atomicAdd(ticket, 1) == gridDim.x - 1) *ticket = 0;
}

static void last_blocks(int* a, int* b, int* c) {
#define LAST(...) last_block<__VA_ARGS__><<<blocks, threads>>>(a, b, c)
  if (is("ok_fences_by_all")) LAST(by_all, true, none, none, by_all);
  if (is("ok_fences_by_first")) LAST(none, true, by_first, by_first, none);
  if (is("ok_fences_by_all_and_first")) LAST(by_all, true, none, by_first, none);
  if (is("ok_light_fences")) LAST(none, true, by_all_light, by_all_light, none);
  if (is("light_fences_by_all")) LAST(by_all_light, true, none, none, by_all_light);
  if (is("light_fence_before")) LAST(by_all_light, true, none, none, by_all);
  if (is("light_fence_after")) LAST(by_all, true, none, none, by_all_light);
  if (is("no_fence_before")) LAST(none, true, none, none, by_all);
  if (is("no_fence_after")) LAST(by_all, true, none, none, none);
  if (is("no_barrier")) LAST(by_all, false, none, none, by_all);
  if (is("fence_by_first_too_early")) LAST(by_first, true, none, by_first, none);
  if (is("block_fence_before")) LAST(in_block, true, in_block, by_first, by_all);
  if (is("block_fence_after")) LAST(by_all, true, by_all, in_block, in_block);
  if (is("block_ticket")) block_ticket<<<blocks, threads>>>(b);
  if (is("late_write")) late_write<<<blocks, threads>>>(a, b, c, true);
  if (is("ok_early_write")) late_write<<<blocks, threads>>>(a, b, c, false);
  if (is("ok_reset")) reset<<<blocks, 1>>>(b);
#undef LAST
}
