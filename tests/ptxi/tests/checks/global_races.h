// Races on global memory between blocks, warps and lanes; orders.cu has those about fences and scopes.
#pragma once
#include "../test.h"

__global__ void race_blocks(int* o, int mode) {
  if (mode == 0) o[0] = blockIdx.x;            // write-write
  if (mode == 1 && blockIdx.x == 0) o[5] = 1;  // write, then read by another block
  if (mode == 1 && blockIdx.x == 1) o[6] = o[5];
}
// mode 0: read what another thread wrote; 1: write what another has read; barrier 1: of the warp, 2: of the
// block.
__global__ void race_global(float* x, float* o, int mode, int barrier) {
  const int t = threadIdx.x, other = blockDim.x - 1 - t;
  float y = 0;
  if (mode == 0)
    x[t] = t;
  else
    y = x[other];
  if (barrier == 1) __syncwarp();
  if (barrier == 2) __syncthreads();
  if (mode == 0)
    o[t] = x[other];
  else
    x[t] = y;
}
__global__ void race_atomic(int* o) {
  if (blockIdx.x == 0) atomicAdd(o, 1);
  if (blockIdx.x == 1) o[1] = o[0];
}
__global__ void read_only(float* x) {
  x[threadIdx.x] = 1;
  __syncthreads();
  x[threadIdx.x] += __ldg(x + blockDim.x - 1 - threadIdx.x);
}
// The write by warp 1 does not know of the read by warp 2, though its own read came later.
__global__ void race_older_reader(float* x, float* o) {
  const int warp = threadIdx.x / 32;
  const bool first = threadIdx.x % 32 == 0;
  if (warp == 2 && first) o[0] = x[0];
  if (warp == 1) {
    __syncwarp();
    if (first) x[0] = x[0] + 1;
  }
}
// Legal: partial sums, fence, atomic ticket, fence; the last block adds them up.
__global__ void last_block(int* part, int* ticket, int* total) {
  __shared__ bool last;
  if (threadIdx.x == 0) {
    part[blockIdx.x] = blockIdx.x;
    __threadfence();
    last = atomicAdd(ticket, 1) == gridDim.x - 1;
    __threadfence();
    if (last) {
      int s = 0;
      for (int i = 0; i < gridDim.x; i++) s += part[i];
      *total = s;
    }
  }
}
// A block takes a lock that another has left. Only with a fence does it know what that one did.
__global__ void take_lock(int* lock, int* data, bool fence) {
  if (blockIdx.x == 0) {
    *data = 1;
    __threadfence();
    atomicExch(lock, 1);
  } else {
    while (atomicCAS(lock, 1, 2) != 1) {
    }
    if (fence) __threadfence();
    data[1] = data[0];
  }
}
// Lanes 20 and 0 read in halves of a warp that synchronise apart, with or without lane 0 knowing of lane 20;
// then lane 3 writes, which knows of lane 0.
__global__ void global_by_halves(float* o, int* p, int joined) {
  const int t = threadIdx.x;
  const unsigned half = t < 16 ? 0x0000ffffu : 0xffff0000u;
  if (t == 20) o[t] = *p;
  __syncwarp(half);
  if (joined && (t == 0 || t == 20)) __syncwarp(1u << 20 | 1);
  if (t == 0) o[t] = *p;
  __syncwarp(half);
  if (t == 3) *p = 9;
}
// Lanes 0 and 1 read, each known to lane 2 before it writes, but for what lane 0 reads again.
template <bool global>
__global__ void read_by_pairs(float* o, int* x, bool again) {
  __shared__ int s;
  int* const p = global ? x : &s;
  const int t = threadIdx.x;
  if (t == 0) *p = 7;
  __syncwarp();
  if (t == 0) o[t] = *p;
  if (t == 0 || t == 2) __syncwarp(5);
  if (t == 1) o[t] = *p;
  asm volatile("" ::: "memory");
  if (t == 0 && again) o[t] += *p;
  if (t == 1 || t == 2) __syncwarp(6);
  if (t == 2) *p = 9;
}

static void global_races(float* f, float* g, int* i) {
  if (is("global_by_halves")) global_by_halves<<<1, 32>>>(f, i, 0);
  if (is("ok_read_by_pairs")) {
    read_by_pairs<false><<<1, 32>>>(f, i, false);
    read_by_pairs<true><<<1, 32>>>(f, i, false);
  }
  if (is("shared_read_again")) read_by_pairs<false><<<1, 32>>>(f, i, true);
  if (is("global_read_again")) read_by_pairs<true><<<1, 32>>>(f, i, true);
  if (is("ok_global_by_halves")) global_by_halves<<<1, 32>>>(f, i, 1);
  if (is("race_blocks_ww")) race_blocks<<<4, 1>>>(i, 0);
  if (is("race_blocks_rw")) race_blocks<<<4, 1>>>(i, 1);
  if (is("race_global_warps")) race_global<<<1, 64>>>(f, g, 0, 0);
  if (is("race_global_warps_war")) race_global<<<1, 64>>>(f, g, 1, 0);
  if (is("race_global_lanes")) race_global<<<1, 32>>>(f, g, 0, 0);
  if (is("race_global_lanes_war")) race_global<<<1, 32>>>(f, g, 1, 0);
  if (is("race_global_syncwarp")) race_global<<<1, 64>>>(f, g, 0, 1);
  if (is("race_older_reader")) race_older_reader<<<1, 96>>>(f, g);
  if (is("ok_global")) {
    for (int mode = 0; mode < 2; mode++) {
      race_global<<<1, 32>>>(f, g, mode, 1);
      race_global<<<1, 64>>>(f, g, mode, 2);
    }
  }
  if (is("race_atomic")) race_atomic<<<2, 1>>>(i);
  if (is("read_only")) read_only<<<1, 64>>>(f);
  if (is("ok_last_block")) {
    last_block<<<8, 32>>>(i, i + 20, i + 21);
    int h;
    CK(cudaMemcpy(&h, i + 21, 4, cudaMemcpyDeviceToHost));
    printf("%s\n", h == 28 ? "sum right" : "sum wrong");
  }
  if (is("ok_lock")) take_lock<<<2, 1>>>(i, i + 20, true);
  if (is("race_lock")) take_lock<<<2, 1>>>(i, i + 20, false);
}
