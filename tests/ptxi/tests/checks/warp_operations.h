// Operations of a warp: member masks, lanes that are absent or have exited, halves that meet; operands of
// mma.
#pragma once
#include "../test.h"

__global__ void shfl_mask(int* o) {
  o[threadIdx.x] = __shfl_sync(0x0000ffffu, threadIdx.x, 0);
}
__global__ void shfl_outside(int* o) {
  if (threadIdx.x < 16) o[threadIdx.x] = __shfl_sync(0x0000ffffu, threadIdx.x, threadIdx.x + 16);
}
__global__ void shfl_missing(int* o) {
  if (threadIdx.x < 16)
    o[threadIdx.x] = __shfl_sync(0xffffffffu, threadIdx.x, 0);
  else
    o[threadIdx.x] = __ballot_sync(0xffffffffu, 1);
}
__global__ void shfl_exited(int* o) {
  if (threadIdx.x < 16) {
    int v = __shfl_xor_sync(0xffffffffu, (int)threadIdx.x, 1);
    __syncwarp();
    o[threadIdx.x] = v;
  } else {
    for (int i = 0; i < o[40]; i++) o[threadIdx.x] += i * threadIdx.x;
  }
}
__global__ void shfl_from_exited(int* o) {
  if (threadIdx.x < 16) o[threadIdx.x] = __shfl_sync(~0u, (int)threadIdx.x, threadIdx.x + 16);
}
__global__ void shfl_masks(int* o) {
  o[threadIdx.x] = __shfl_sync(threadIdx.x < 16 ? 0x0000ffffu : ~0u, threadIdx.x, 0);
}
// Two halves of a warp that meet, in branches of their own, with the masks given.
__global__ void warp_barriers(int* o, unsigned low, unsigned high) {
  __shared__ int s[32];
  const int t = threadIdx.x;
  if (t < 16) {
    s[t] = t;
    __syncwarp(low);
    o[t] = s[31 - t];
  } else {
    s[t] = 2 * t;
    __syncwarp(high);
    o[t] = s[31 - t] + 1;
  }
  const bool right = o[t] == (t < 16 ? 2 * (31 - t) : 32 - t);
  if (!right) printf("wrong\n");
}
// Before the halves meet, quarters of one of them do, elsewhere; the other half exits afterwards.
__global__ void warp_barriers_nested(int* o) {
  __shared__ int s[32];
  const int t = threadIdx.x;
  s[t] = t;
  if (t >= 16) {
    __syncwarp();
    o[t] = s[t - 16];
    return;
  }
  if (t < 8) {
    __syncwarp(0xffff);
    o[t] = s[t + 8];
  } else {
    s[t] = 2 * t;
    __syncwarp(0xffff);
    o[t] = 7;
  }
  __syncwarp();
  if (t == 3) __syncwarp(8);
  __syncwarp(0xffff);
}
__global__ void warp_barrier_and_vote(int* o) {
  if (threadIdx.x < 16)
    __syncwarp();
  else
    o[threadIdx.x] = __ballot_sync(0xffffffffu, 1);
}
// The sum over the even lanes, which part in a loop. Nothing but a barrier makes them meet behind it.
__global__ void sum_of_even(int* o, bool meet) {
  const int t = threadIdx.x;
  if (t % 2) return;
  int v = t;
  for (int i = 0; i < t % 3; i++) v += 1 + o[t + i];
  if (meet) __syncwarp(0x55555555);
  const unsigned mask = __activemask();
  for (int d = 16; d >= 2; d /= 2) v += __shfl_down_sync(mask, v, d);
  if (t == 0 && v != 240 + 15) printf("wrong\n");
}
// mma or ldmatrix by the first lanes alone, where the others go on or have exited.
__global__ void part_of_warp(int* o, bool product, bool exited) {
  __shared__ __align__(16) int s[32];
  const int t = threadIdx.x;
  s[t] = t;
  __syncwarp();
  if (exited && t >= 16) return;
  if (t < 16) {
    unsigned r = 0;
    float c[4] = {};
    if (product)
      asm volatile(
          "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
          "{%0,%1,%2,%3},{%4,%4,%4,%4},{%4,%4},{%0,%1,%2,%3};"
          : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
          : "r"(r));
    else
      asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];"
                   : "=r"(r)
                   : "r"((unsigned)__cvta_generic_to_shared(s + t % 8 * 4)));
    o[t] = r + (int)c[0];
  }
  __syncwarp();
}
// What the even lanes alone do in an instruction to which all lanes come.
__global__ void predicated(int* o, bool matrix) {
  __shared__ __align__(16) int s[32];
  const int t = threadIdx.x;
  unsigned r = 0;
  s[t] = t;
  __syncwarp();
  if (matrix)
    asm volatile(
        "{.reg .pred odd; setp.ne.u32 odd, %1, 0; @!odd ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%2];}"
        : "+r"(r)
        : "r"(t & 1), "r"((unsigned)__cvta_generic_to_shared(s + t % 8 * 4)));
  else
    asm volatile("{.reg .pred odd; setp.ne.u32 odd, %1, 0; @!odd shfl.sync.idx.b32 %0, %1, 0, 31, -1;}"
                 : "+r"(r)
                 : "r"(t & 1));
  o[t] = r;
}
__global__ void tf32_raw(float* o) {
  unsigned a = __float_as_uint(1.0f + threadIdx.x * 1e-5f), b = __float_as_uint(1.f);
  float c[4] = {};
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
      "{%0,%1,%2,%3},{%4,%4,%4,%4},{%5,%5},{%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a), "r"(b));
  o[threadIdx.x] = c[0];
}

static void warp_operations(float* f, int* i) {
  if (is("shfl_mask")) shfl_mask<<<1, 32>>>(i);
  if (is("shfl_outside")) shfl_outside<<<1, 32>>>(i);
  if (is("shfl_missing")) shfl_missing<<<1, 32>>>(i);
  if (is("shfl_exited")) shfl_exited<<<1, 32>>>(i);
  if (is("shfl_from_exited")) shfl_from_exited<<<1, 32>>>(i);
  if (is("shfl_masks")) shfl_masks<<<1, 32>>>(i);
  if (is("ok_warp_barriers")) warp_barriers<<<1, 32>>>(i, ~0u, ~0u);
  if (is("warp_barriers_apart")) warp_barriers<<<1, 32>>>(i, 0x0000ffff, 0xffff0000);
  if (is("warp_barriers_masks")) warp_barriers<<<1, 32>>>(i, 0x0001ffff, ~0u);
  if (is("ok_warp_barriers_nested")) warp_barriers_nested<<<1, 32>>>(i);
  if (is("warp_barrier_and_vote")) warp_barrier_and_vote<<<1, 32>>>(i);
  if (is("lanes_converged")) sum_of_even<<<1, 32>>>(i, false);
  if (is("ok_lanes_meet")) sum_of_even<<<1, 32>>>(i, true);
  if (is("mma_diverged")) part_of_warp<<<1, 32>>>(i, true, false);
  if (is("mma_exited")) part_of_warp<<<1, 32>>>(i, true, true);
  if (is("ldmatrix_diverged")) part_of_warp<<<1, 32>>>(i, false, false);
  if (is("ldmatrix_exited")) part_of_warp<<<1, 32>>>(i, false, true);
  if (is("ldmatrix_predicated")) predicated<<<1, 32>>>(i, true);
  if (is("shfl_predicated")) predicated<<<1, 32>>>(i, false);
  if (is("tf32_raw")) tf32_raw<<<1, 32>>>(f);
}
