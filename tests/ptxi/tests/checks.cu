// One planted bug per name; run.sh runs each and looks for the report. "list" prints the names.
#include <cassert>
#include <cuda_bf16.h>

#include "test.h"

__global__ void oob_write(float* x, int n) {
  x[threadIdx.x + n] = 1;
}
__global__ void oob_read(const float* x, float* y) {
  y[threadIdx.x] = x[(int)threadIdx.x - 1];
}
__global__ void fill(float* x) {
  x[threadIdx.x] = 1;
}
__device__ void copy(const float* x, float* y) {
  y[threadIdx.x] = x[threadIdx.x];
}
__global__ void uninit_global(const float* x, float* y) {
  copy(x, y);
}
__global__ void uninit_shared(float* o) {
  __shared__ float s[64];
  if (threadIdx.x < 63) s[threadIdx.x] = 1;
  __syncthreads();
  o[threadIdx.x] = s[threadIdx.x];
}
__global__ void misaligned(float* o) {
  *(float2*)(o + 1) = make_float2(1, 2);
}
__global__ void shared_oob(float* o, int n) {
  __shared__ float s[64];
  s[threadIdx.x + n] = 1;
  __syncthreads();
  o[threadIdx.x] = s[threadIdx.x];
}
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
__global__ void divergent_barrier(float* o) {
  __shared__ float s[64];
  s[threadIdx.x] = 1;
  if (threadIdx.x & 1) __syncthreads();
  o[threadIdx.x] = s[threadIdx.x];
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
__global__ void shfl_exited(int* o) {
  if (threadIdx.x < 16) {
    int v = __shfl_xor_sync(0xffffffffu, (int)threadIdx.x, 1);
    __syncwarp();
    o[threadIdx.x] = v;
  } else {
    for (int i = 0; i < o[40]; i++) o[threadIdx.x] += i * threadIdx.x;
  }
}
__global__ void shfl_masks(int* o) {
  o[threadIdx.x] = __shfl_sync(threadIdx.x < 16 ? 0x0000ffffu : ~0u, threadIdx.x, 0);
}
// By the first lanes alone, where the others go on or have exited.
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
__global__ void trap_kernel() {
  asm volatile("trap;");
}
__global__ void assert_kernel(int x) {
  assert(x == 1);
}
extern __shared__ float dynamic[];
__global__ void dyn(float* o) {
  o[threadIdx.x] = dynamic[threadIdx.x] = 1;
}
__global__ void __launch_bounds__(64) bounded(float* o) {
  o[threadIdx.x] = 1;
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
__global__ void recursive_local(int* o, int n) {
  int a[8];
  for (int i = 0; i < 8; i++) a[i] = i;
  o[0] = a[n];
}

// Some lanes of the warp turn n times.
__global__ void turns(int n, int lanes) {
  if (threadIdx.x < lanes) {
#pragma unroll 1
    for (int i = 0; i < n; i++) asm volatile("");
  }
  __syncwarp();
}

int main(int argc, char** argv) {
  const char* name = argc > 1 ? argv[1] : "";
  auto is = [&](const char* s) { return !strcmp(name, s); };
  if (is("device")) {
    int count = -1;
    if (cudaGetDeviceCount(&count) == cudaSuccess) return count == 1 ? 0 : 1;
    return count == 0 && cudaSetDevice(0) == cudaErrorNoDevice ? 5 : 1;
  }
  float *f, *g;
  int* i;
  CK(cudaMalloc(&f, 256));
  CK(cudaMalloc(&g, 256));
  CK(cudaMalloc(&i, 256));
  CK(cudaMemset(i, 0, 256));
  CK(cudaMemset(f, 0, 256));
  if (is("oob_write")) oob_write<<<1, 64>>>(f, 8);
  if (is("oob_read")) oob_read<<<1, 64>>>(f, g);
  if (is("use_after_free")) {
    cudaFree(g);
    fill<<<1, 64>>>(g);
  }
  if (is("host_pointer")) {
    float* h = (float*)malloc(256);
    fill<<<1, 64>>>(h);
  }
  if (is("null_pointer")) fill<<<1, 64>>>(nullptr);
  if (is("uninit_global")) uninit_global<<<1, 64>>>(g, f);
  if (is("uninit_shared")) uninit_shared<<<1, 64>>>(f);
  if (is("misaligned")) misaligned<<<1, 1>>>(f);
  if (is("shared_oob")) shared_oob<<<1, 64>>>(f, 8);
  if (is("local_oob")) recursive_local<<<1, 1>>>(i, 9);
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
  if (is("shared_volatile")) shared_atomic<<<1, 64>>>(i, VOLATILE_READ);
  if (is("ok_shared_atomic")) shared_atomic<<<1, 64>>>(i, BARRIERS);
  if (is("ok_shared_atomic_lanes")) shared_atomic<<<1, 32>>>(i, LANE_PAIRS);
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
  if (is("divergent_barrier")) divergent_barrier<<<1, 64>>>(f);
  if (is("mismatched_barrier")) mismatched_barrier<<<1, 64>>>(f);
  if (is("ok_named_barrier")) named_barrier<<<1, 64>>>(f, 1);
  if (is("race_named_barrier")) named_barrier<<<1, 64>>>(f, 0);
  if (is("deadlock")) deadlock<<<1, 64>>>(i);
  if (is("barrier_count_odd")) barrier_counts<<<1, 64>>>(i, 48, 48);
  if (is("barrier_counts_differ")) barrier_counts<<<1, 64>>>(i, 64, 96);
  if (is("barrier_count_high")) barrier_counts<<<1, 64>>>(i, 96, 96);
  if (is("ok_barrier_count")) barrier_counts<<<1, 64>>>(i, 64, 64);
  if (is("shfl_mask")) shfl_mask<<<1, 32>>>(i);
  if (is("shfl_outside")) shfl_outside<<<1, 32>>>(i);
  if (is("shfl_missing")) shfl_missing<<<1, 32>>>(i);
  if (is("ok_warp_barriers")) warp_barriers<<<1, 32>>>(i, ~0u, ~0u);
  if (is("warp_barriers_apart")) warp_barriers<<<1, 32>>>(i, 0x0000ffff, 0xffff0000);
  if (is("warp_barriers_masks")) warp_barriers<<<1, 32>>>(i, 0x0001ffff, ~0u);
  if (is("ok_warp_barriers_nested")) warp_barriers_nested<<<1, 32>>>(i);
  if (is("warp_barrier_and_vote")) warp_barrier_and_vote<<<1, 32>>>(i);
  if (is("shfl_exited")) shfl_exited<<<1, 32>>>(i);
  if (is("shfl_masks")) shfl_masks<<<1, 32>>>(i);
  if (is("mma_diverged")) part_of_warp<<<1, 32>>>(i, true, false);
  if (is("mma_exited")) part_of_warp<<<1, 32>>>(i, true, true);
  if (is("ldmatrix_diverged")) part_of_warp<<<1, 32>>>(i, false, false);
  if (is("ldmatrix_exited")) part_of_warp<<<1, 32>>>(i, false, true);
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
  if (is("ok_steps")) turns<<<16, 32>>>(100, 32);
  if (is("steps")) turns<<<1, 32>>>(1 << 22, 32);
  if (is("steps_of_a_part")) turns<<<1, 32>>>(1 << 22, 16);
  if (is("trap")) trap_kernel<<<1, 32>>>();
  if (is("assert")) assert_kernel<<<1, 32>>>(2);
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
  if (is("tf32_raw")) tf32_raw<<<1, 32>>>(f);
  if (is("host_access")) printf("%f\n", f[0]);
  if (is("memcpy_overrun")) {
    float h[80];
    printf("memcpy: %s\n", cudaGetErrorName(cudaMemcpy(h, f, 320, cudaMemcpyDeviceToHost)));
  }
  if (is("memcpy_kind")) {
    float h[8];
    printf("memcpy: %s\n", cudaGetErrorName(cudaMemcpy(h, f, 32, cudaMemcpyHostToDevice)));
  }
  if (is("double_free")) {
    cudaFree(g);
    printf("free: %s\n", cudaGetErrorName(cudaFree(g)));
  }
  cudaDeviceSynchronize();
  printf("last error: %s\n", cudaGetErrorName(cudaGetLastError()));
  return g_failed;
}
