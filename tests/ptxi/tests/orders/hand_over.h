// Data handed over: over flags, semaphores and locks, between blocks, warps and lanes.
#pragma once
#include "common.h"

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
// Block 0 hands over to block 1, by a flag behind a value: one of the two sees both as one vector.
enum VectorFlag { whole, written_apart, read_apart, not_released };
__global__ void vector_flag(int* data, int* flag, VectorFlag kind) {
  const auto both = __cvta_generic_to_global(flag);
  int value = 0, ready = 0;
  if (blockIdx.x == 0) {
    data[0] = 1;
    if (kind != not_released) __threadfence();
    if (kind == written_apart)
      atomicExch(flag + 1, 1);
    else
      asm volatile("st.relaxed.gpu.global.v2.s32 [%0], {%1, %2};" ::"l"(both), "r"(7), "r"(1) : "memory");
  } else {
    while (!ready)
      if (kind == read_apart)
        ready = load_acquire(flag + 1);
      else
        asm volatile("ld.acquire.gpu.global.v2.s32 {%0, %1}, [%2];"
                     : "=r"(value), "=r"(ready)
                     : "l"(both)
                     : "memory");
    data[1] = data[0] + value;
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
// Block 0 hands over to block 1, whose first thread passes that on to another warp: with a fence of its own,
// or only by those of block 0 and of the other warp, which do not order each other.
__global__ void hand_on(int* data, int* ready, int* out, bool fence) {
  __shared__ int flag;
  const int t = threadIdx.x;
  if (t == 0) flag = 0;
  __syncthreads();
  if (blockIdx.x == 0 && t == 0) {
    *data = 1;
    __threadfence_block();
    red_release(ready);
  } else if (blockIdx.x == 1 && t == 0) {
    while (!load_acquire(ready)) {
    }
    if (fence) __threadfence_block();
    atomicExch(&flag, 1);
  } else if (blockIdx.x == 1 && t == 32) {
    while (atomicAdd(&flag, 0) == 0) {
    }
    __threadfence_block();
    *out = *data;
  }
}

static void hand_over(int* a, int* b, int* c) {
  if (is("other_lane")) other_lane<<<2, 32>>>(a, b, false);
  if (is("ok_other_lane")) other_lane<<<2, 32>>>(a, b, true);
  if (is("ok_semaphore")) semaphore<<<2, threads>>>(a, b, right);
  if (is("relaxed_write")) semaphore<<<2, threads>>>(a, b, relaxed_write);
  if (is("relaxed_read")) semaphore<<<2, threads>>>(a, b, relaxed_read);
  if (is("narrow_write")) semaphore<<<2, threads>>>(a, b, narrow_write);
  if (is("narrow_read")) semaphore<<<2, threads>>>(a, b, narrow_read);
  if (is("no_barrier_before")) semaphore<<<2, threads>>>(a, b, no_barrier_before);
  if (is("no_barrier_after")) semaphore<<<2, threads>>>(a, b, no_barrier_after);
  if (is("ok_vector_flag")) vector_flag<<<2, 1>>>(a, b, whole);
  if (is("ok_vector_flag_written_apart")) vector_flag<<<2, 1>>>(a, b, written_apart);
  if (is("ok_vector_flag_read_apart")) vector_flag<<<2, 1>>>(a, b, read_apart);
  if (is("vector_flag_not_released")) vector_flag<<<2, 1>>>(a, b, not_released);
  if (is("reduction")) reduction<<<2, 1>>>(a, b);
  if (is("ok_chain")) chain<<<4, 1>>>(a, b, true);
  if (is("chain")) chain<<<4, 1>>>(a, b, false);
  if (is("ok_overwritten")) overwritten<<<3, 1>>>(a, b, c, true);
  if (is("overwritten")) overwritten<<<3, 1>>>(a, b, c, false);
  if (is("ok_between_warps")) between_warps<<<1, threads>>>(a, b, true);
  if (is("between_warps")) between_warps<<<1, threads>>>(a, b, false);
  if (is("ok_lock")) lock<<<3, threads>>>(a, b, true);
  if (is("lock")) lock<<<3, threads>>>(a, b, false);
  if (is("ok_hand_on")) hand_on<<<2, threads>>>(a, b, c, true);
  if (is("hand_on")) hand_on<<<2, threads>>>(a, b, c, false);
}
