// Barriers of a block: divergent, in different places, with wrong counts, deadlocks; named ones.
#pragma once
#include <cooperative_groups.h>

#include "../test.h"

__global__ void divergent_barrier(float* o) {
  __shared__ float s[64];
  s[threadIdx.x] = 1;
  if (threadIdx.x & 1) __syncthreads();
  o[threadIdx.x] = s[threadIdx.x];
}
// Some lanes return before the barrier, with work of their own or none.
__global__ void early_return(float* o, int n, int work) {
  if (threadIdx.x >= n) {
    if (work) o[threadIdx.x] = 3;
    return;
  }
  o[threadIdx.x] = 1;
  __syncthreads();
  o[threadIdx.x] += 2;
}
__global__ void odd_return(float* o) {
  if (threadIdx.x & 1) return;
  o[threadIdx.x] = 1;
  __syncthreads();
  o[threadIdx.x] = 2;
}
// A part of a warp leaves the barrier out, and waits at the next one.
__global__ void barrier_left_out(float* o) {
  if (threadIdx.x >= 40) __syncthreads();
  o[threadIdx.x] = 1;
  __syncthreads();
}
__global__ void predicated_barrier(float* o) {
  asm volatile("{.reg .pred odd; setp.ne.u32 odd, %0, 0; @odd bar.sync 0;}" ::"r"(threadIdx.x & 1));
  o[threadIdx.x] = 1;
}
__global__ void mismatched_barrier(float* o) {
  if (threadIdx.x < 32) {
    o[threadIdx.x] = 1;
    __syncthreads();
    o[threadIdx.x] += 1;
  } else {
    o[threadIdx.x] = 2;
    __syncthreads();
    o[threadIdx.x] *= 2;
  }
}
__global__ void deadlock(int* o) {
  if (threadIdx.x < 32) asm volatile("bar.sync 1, 64;");
  o[threadIdx.x] = 1;
}
// Barrier 1 of 64 threads, with a count of its own in each warp.
__global__ void barrier_counts(int* o, int first, int second) {
  if (threadIdx.x < 32)
    asm volatile("bar.sync 1, %0;" ::"r"(first));
  else
    asm volatile("bar.sync 1, %0;" ::"r"(second));
  o[threadIdx.x] = 1;
}
// A count of 0 is none: the barrier is of all threads.
__global__ void barrier_count_0(int* o, int count) {
  __shared__ int s[64];
  const int t = threadIdx.x;
  s[t] = t;
  asm volatile("bar.sync 1, %0;" ::"r"(count) : "memory");
  o[t] = s[63 - t];
}
// Warp 0 produces, warp 1 consumes, over a named barrier that the producer does not wait for.
__global__ void named_barrier(float* o, int wait) {
  __shared__ float s[32];
  int l = threadIdx.x & 31;
  if (threadIdx.x < 32) {
    s[l] = l;
    asm volatile("bar.arrive 1, 64;" ::: "memory");
  } else {
    if (wait) asm volatile("bar.sync 1, 64;" ::: "memory");
    o[l] = s[31 - l];
  }
}
// Both warps are at barrier 1, but warp 0 does not wait there: only what warp 1 did before it left barrier 2
// is known to it.
__global__ void arrive_and_read(float* o, int wait) {
  __shared__ float s[32];
  const int w = threadIdx.x / 32, l = threadIdx.x & 31;
  if (w == 1) s[l] = l;
  if (w == 0) {
    asm volatile("bar.arrive 1, 64;" ::: "memory");
    if (wait) asm volatile("bar.sync 2, 64;" ::: "memory");
    o[l] = s[31 - l];
  } else {
    if (wait) asm volatile("bar.arrive 2, 64;" ::: "memory");
    asm volatile("bar.sync 1, 64;" ::: "memory");
  }
}
// Warp 1 writes and returns; the barrier of the others is not one of what it did.
__global__ void returned_writer(float* o, int own) {
  __shared__ float s[64];
  const int t = threadIdx.x;
  if (t < 32) s[t] = 1;
  __syncthreads();
  if (t >= 32) {
    s[own ? t : t - 32] = 2;
    return;
  }
  __syncthreads();
  o[t] = s[t];
}
// Lanes 16 to 31 write or read, and return, after a barrier of their own, of all, or none; a barrier of the
// others, of the block or of the warp, is not one of what those did.
enum Wait { NONE, AMONG_THEM, ALL };
struct Returned {
  bool writes, warp_barrier;
  int other;  // who then accesses what lane 20 has accessed
};
template <bool global>
__global__ void returned_lanes(float* x, float* o, Returned mode, Wait wait) {
  __shared__ float s[32];
  float* const p = global ? x : s;
  const int t = threadIdx.x;
  const bool returns = t >= 16 && t < 32;
  if (t < 32) p[t] = 0;
  __syncthreads();
  if (returns && mode.writes) p[t] = 1;
  if (returns && !mode.writes) o[t] = p[t];
  if (returns && wait == AMONG_THEM) __syncwarp(0xffff0000);
  if (wait == ALL) __syncthreads();
  if (returns) return;
  if (!mode.warp_barrier) __syncthreads();
  if (mode.warp_barrier && t < 16) __syncwarp(0xffff);
  if (t != mode.other) return;
  o[t] = p[20];
  if (!mode.writes) p[20] = 2;
}
// A named barrier of warps that are not whole: in the block of 48 threads, and after lanes have returned.
__global__ void named_barrier_of_parts(float* o) {
  __shared__ float s[64];
  const int t = threadIdx.x;
  s[t] = t;
  if (t < 4) return;
  asm volatile("barrier.sync 1, 64;" ::: "memory");
  o[t] = s[51 - t];
}
__global__ void barrier_16(float* o) {
  asm volatile("barrier.sync %0;" ::"r"(16 + (int)o[0]) : "memory");
}
// Lanes leave the loop one after the other, with work of their own; or some leave its barrier out.
__global__ void barriers_in_loop(float* o, bool leave_out) {
  const int t = threadIdx.x;
#pragma unroll 1
  for (int i = 0; i < 8; i++) {
    o[t] += i;
    if (!leave_out || t & 1) __syncthreads();
    o[t] *= 2;
    if (!leave_out && i == t % 8) {
      for (int j = 0; j < i; j++) o[t] += o[t] * j;
      return;
    }
  }
}
// Those of the warp that are left synchronise by the mask of all.
__global__ void syncwarp_of_rest(float* o) {
  __shared__ float s[32];
  const int t = threadIdx.x;
  if (t >= 20) return;
  s[t] = t;
  __syncwarp();
  o[t] = s[19 - t];
}
// Warp 0 produces, and again in the same place, with or without a barrier by which warp 1 tells that it has
// read.
__global__ void produce_twice(float* o, float* p, int wait) {
  const int l = threadIdx.x & 31;
  if (threadIdx.x < 32) {
    p[l] = l;
    asm volatile("bar.arrive 1, 64;" ::: "memory");
    if (wait) asm volatile("bar.sync 2, 64;" ::: "memory");
    p[l] = -1;
  } else {
    asm volatile("bar.sync 1, 64;" ::: "memory");
    o[l] = p[31 - l];
    if (wait) asm volatile("bar.arrive 2, 64;" ::: "memory");
  }
}
__global__ void produce_shared_twice(float* o, int wait) {
  __shared__ float s[32];
  const int l = threadIdx.x & 31;
  if (threadIdx.x < 32) {
    s[l] = l;
    asm volatile("bar.arrive 1, 64;" ::: "memory");
    if (wait) asm volatile("bar.sync 2, 64;" ::: "memory");
    s[l] = -1;
  } else {
    asm volatile("bar.sync 1, 64;" ::: "memory");
    o[l] = s[31 - l];
    if (wait) asm volatile("bar.arrive 2, 64;" ::: "memory");
  }
}
// The last block leaves before the second of three grid synchronisations, or after all.
__global__ void grid_barriers(int* o, int last) {
  const auto grid = cooperative_groups::this_grid();
  for (int i = 0; i < 3; i++) {
    if (blockIdx.x == gridDim.x - 1 && i == last) return;
    grid.sync();
    if (threadIdx.x == 0) o[blockIdx.x] = i;
  }
}

static void barriers(float* f, float* g, int* i) {
  if (is("divergent_barrier")) divergent_barrier<<<1, 64>>>(f);
  if (is("barrier_predicated")) predicated_barrier<<<1, 64>>>(f);
  if (is("barrier_left_out")) barrier_left_out<<<1, 64>>>(f);
  if (is("ok_early_return")) {
    early_return<<<1, 64>>>(f, 40, 0);
    early_return<<<1, 64>>>(f, 40, 1);
    odd_return<<<1, 64>>>(f);
  }
  if (is("mismatched_barrier")) mismatched_barrier<<<1, 64>>>(f);
  if (is("ok_named_barrier")) named_barrier<<<1, 64>>>(f, 1);
  if (is("race_named_barrier")) named_barrier<<<1, 64>>>(f, 0);
  if (is("ok_arrive_and_read")) arrive_and_read<<<1, 64>>>(f, 1);
  if (is("arrive_and_read")) arrive_and_read<<<1, 64>>>(f, 0);
  if (is("ok_produce_twice")) produce_shared_twice<<<1, 64>>>(f, 1), produce_twice<<<1, 64>>>(f, f + 32, 1);
  if (is("produce_twice")) produce_shared_twice<<<1, 64>>>(f, 0);
  if (is("produce_global_twice")) produce_twice<<<1, 64>>>(f, f + 32, 0);
  if (is("grid_barrier_left_out") || is("ok_grid_barrier")) {
    int last = is("ok_grid_barrier") ? 3 : 1;
    void* args[] = {&i, &last};
    CK(cudaLaunchCooperativeKernel((void*)grid_barriers, 4, 64, args, 0, 0));
  }
  if (is("deadlock")) deadlock<<<1, 64>>>(i);
  if (is("barrier_count_odd")) barrier_counts<<<1, 64>>>(i, 48, 48);
  if (is("barrier_counts_differ")) barrier_counts<<<1, 64>>>(i, 64, 96);
  if (is("barrier_count_high")) barrier_counts<<<1, 64>>>(i, 96, 96);
  if (is("ok_barrier_count_0")) barrier_count_0<<<1, 64>>>(i, 0);
  if (is("ok_barrier_count")) barrier_counts<<<1, 64>>>(i, 64, 64);
  if (is("returned_writer")) returned_writer<<<1, 64>>>(f, 0);
  if (is("ok_returned_writer")) returned_writer<<<1, 64>>>(f, 1);
  const auto returned = [&](Returned mode, Wait wait) {
    returned_lanes<false><<<1, 64>>>(f, g, mode, wait);
    returned_lanes<true><<<1, 64>>>(f, g, mode, wait);
  };
  const Returned writes[] = {{true, false, 3}, {true, true, 3}, {true, false, 40}};
  const Returned reads[] = {{false, false, 3}, {false, true, 3}, {false, false, 40}};
  for (int n = 0; n < 3; n++) {
    const std::string number = std::to_string(n);
    if (is("returned_lane_wrote_" + number)) returned(writes[n], NONE);
    if (is("returned_lane_read_" + number)) returned(reads[n], NONE);
    if (is("returned_tile_wrote_" + number)) returned(writes[n], AMONG_THEM);
    if (is("returned_tile_read_" + number)) returned(reads[n], AMONG_THEM);
    if (is("ok_returned_lanes_" + number)) {
      returned(writes[n], ALL);
      returned(reads[n], ALL);
    }
  }
  if (is("ok_named_barrier_of_parts")) named_barrier_of_parts<<<1, 48>>>(f);
  if (is("barrier_16")) barrier_16<<<1, 32>>>(f);
  if (is("ok_loop_return")) barriers_in_loop<<<1, 64>>>(f, false);
  if (is("loop_barrier_left_out")) barriers_in_loop<<<1, 64>>>(f, true);
  if (is("ok_syncwarp_of_rest")) syncwarp_of_rest<<<1, 32>>>(f);
}
