// What orders accesses to global memory, and what only seems to: fences and strong accesses, by PTX's memory
// consistency model. A name that begins with "ok_" is of a legal kernel, another of one with a race. run.sh
// runs each.
#include "test.h"

constexpr int threads = 64;

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

// "Last block" reductions: each thread leaves a number, and the block that takes the last ticket adds them
// up.
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
// Lane 1 writes, lane 0 passes it on.
__global__ void other_lane(int* data, int* flag, bool sync) {
  const int t = threadIdx.x;
  if (blockIdx.x == 0) {
    if (t == 1) data[0] = 1;
    if (sync) __syncwarp();
    if (t == 0) {
      __threadfence();
      atomicExch(flag, 1);
    }
  } else if (t == 0) {
    while (atomicAdd(flag, 0) == 0) {
    }
    __threadfence();
    data[1] = data[0];
  }
}

// Block 0 hands data over to block 1 as a whole, over a semaphore.
enum Semaphore {
  right,
  relaxed_write,
  relaxed_read,
  narrow_write,
  narrow_read,
  no_barrier_before,
  no_barrier_after
};
__global__ void semaphore(int* data, int* flag, Semaphore kind) {
  const int t = threadIdx.x;
  if (blockIdx.x == 0) {
    data[t] = t;
    if (kind != no_barrier_before) __syncthreads();
    if (t == 0) {
      if (kind == relaxed_write)
        red_relaxed(flag);
      else if (kind == narrow_write)
        red_release_block(flag);
      else
        red_release(flag);
    }
  } else {
    for (int ready = 0; t == 0 && !ready;)
      ready = kind == relaxed_read  ? *(volatile int*)flag
              : kind == narrow_read ? load_acquire_block(flag)
                                    : load_acquire(flag);
    if (kind != no_barrier_after) __syncthreads();
    data[threads + t] = data[threads - 1 - t];
  }
}
// Both blocks add to the count, which does not tell the second that it is.
__global__ void reduction(int* data, int* count) {
  if (blockIdx.x == 0) {
    data[0] = 1;
    __threadfence();
    red_relaxed(count);
  } else {
    red_relaxed(count);
    __threadfence();
    data[1] = data[0];
  }
}
// From block to block: what the first wrote comes to the last by way of the one between.
__global__ void chain(int* data, int* flags, bool acquire) {
  const int b = blockIdx.x;
  if (b == 0)
    data[0] = 1;
  else {
    while (*(volatile int*)&flags[b - 1] == 0) {
    }
    if (acquire || b != 1) __threadfence();
  }
  if (b == gridDim.x - 1) data[1] = data[0];
  if (acquire) __threadfence();
  *(volatile int*)&flags[b] = 1;
}
// Block 1 overwrites the flag of block 0, which then says nothing of block 0; with an atomic it still does.
__global__ void overwritten(int* data, int* flag, int* turn, bool atomic) {
  volatile int *f = flag, *t = turn;
  if (blockIdx.x == 0) {
    data[0] = 1;
    __threadfence();
    *f = 1;
  } else if (blockIdx.x == 1) {
    while (*f != 1) {
    }
    if (atomic)
      atomicExch(flag, 2);
    else
      *f = 2;
    *t = 1;
  } else {
    while (*t != 1) {
    }
    if (*f != 2) return;
    fence_acq_rel();
    data[1] = data[0];
  }
}
// Between the warps of a block, a fence of the block will do, and is needed.
__global__ void between_warps(int* data, int* flag, bool fences) {
  volatile int* v = flag;
  if (threadIdx.x == 0) {
    data[0] = 1;
    if (fences) __threadfence_block();
    *v = 1;
  }
  if (threadIdx.x == 32) {
    while (*v == 0) {
    }
    if (fences) __threadfence_block();
    data[1] = data[0];
  }
}
// Threads of every warp of every block add to the same plain number, under a lock.
__global__ void lock(int* lock, int* sum, bool fence) {
  for (bool done = threadIdx.x % 8 != 0; !done;) {
    if (atomicCAS(lock, 0, 1) == 0) {
      __threadfence();
      *sum += 1;
      if (fence) __threadfence();
      atomicExch(lock, 0);
      done = true;
    }
  }
}

int main(int argc, char** argv) {
  const char* name = argc > 1 ? argv[1] : "";
  auto is = [&](const char* s) { return !strcmp(name, s); };
  const int blocks = 8;
  int* a = to_device(std::vector<int>(blocks * threads));
  int* b = to_device(std::vector<int>(threads));
  int* c = to_device(std::vector<int>(threads));
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
  if (is("other_lane")) other_lane<<<2, 32>>>(a, b, false);
  if (is("ok_other_lane")) other_lane<<<2, 32>>>(a, b, true);
  if (is("ok_semaphore")) semaphore<<<2, threads>>>(a, b, right);
  if (is("relaxed_write")) semaphore<<<2, threads>>>(a, b, relaxed_write);
  if (is("relaxed_read")) semaphore<<<2, threads>>>(a, b, relaxed_read);
  if (is("narrow_write")) semaphore<<<2, threads>>>(a, b, narrow_write);
  if (is("narrow_read")) semaphore<<<2, threads>>>(a, b, narrow_read);
  if (is("no_barrier_before")) semaphore<<<2, threads>>>(a, b, no_barrier_before);
  if (is("no_barrier_after")) semaphore<<<2, threads>>>(a, b, no_barrier_after);
  if (is("reduction")) reduction<<<2, 1>>>(a, b);
  if (is("ok_chain")) chain<<<4, 1>>>(a, b, true);
  if (is("chain")) chain<<<4, 1>>>(a, b, false);
  if (is("ok_overwritten")) overwritten<<<3, 1>>>(a, b, c, true);
  if (is("overwritten")) overwritten<<<3, 1>>>(a, b, c, false);
  if (is("ok_between_warps")) between_warps<<<1, threads>>>(a, b, true);
  if (is("between_warps")) between_warps<<<1, threads>>>(a, b, false);
  if (is("ok_lock")) lock<<<3, threads>>>(a, b, true);
  if (is("lock")) lock<<<3, threads>>>(a, b, false);
  CK(cudaDeviceSynchronize());
  return finish();
}
