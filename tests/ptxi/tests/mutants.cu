// Kernels with synchronisations that PTXI_MUTATE takes away, needed ones and others. An argument names the
// kernel; the program prints whether its result is right. run.sh knows the lines by what is written there.
#include "test.h"

constexpr int threads = 64;

template <class T>
__global__ void reversed(float* o) {
  __shared__ T s[threads];
  s[threadIdx.x] = (T)threadIdx.x;
  __syncthreads();  // needed: the other warp's
  o[threadIdx.x] = (float)s[threads - 1 - threadIdx.x];
}

__global__ void own(float* o) {
  __shared__ float s[threads];
  s[threadIdx.x] = threadIdx.x;
  __syncthreads();  // superfluous
  o[threadIdx.x] = s[threadIdx.x];
}

__device__ float shared_number(float* s, int write, int read) {
  s[write] = write;
  __syncthreads();  // inlined twice
  return s[read];
}
__global__ void inlined(float* o) {
  __shared__ float s[2 * threads];
  const int t = threadIdx.x;
  o[t] = shared_number(s, t, threads - 1 - t);   // needed here
  o[t] += shared_number(s + threads, t, t) - t;  // not here
}

// One thread of the second warp says yes.
__global__ void voted(float* o) {
  o[threadIdx.x] = threads - 1 - threadIdx.x;
  if (!__syncthreads_or(threadIdx.x == threads - 1)) o[threadIdx.x] = -1;  // a vote
}

__global__ void summed(float* o) {
  double one = 1;  // two shuffles each, inside functions of the toolkit
  for (int lanes = 16; lanes > 0; lanes /= 2) one += __shfl_xor_sync(0xFFFFFFFF, one, lanes);  // of a warp
  o[threadIdx.x] = one == 32 ? threads - 1.0f - threadIdx.x : -1.0f;
}

__global__ void within_warps(float* o) {
  __shared__ float s[threads];
  const int first = threadIdx.x / 32 * 32;
  s[threadIdx.x] = threads - 1 - (first + 31 - threadIdx.x % 32);
  __syncwarp();  // needed: the other lanes'
  o[threadIdx.x] = s[first + 31 - threadIdx.x % 32];
}

__device__ void copy(float* to, const float* from) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"((unsigned)__cvta_generic_to_shared(to)),
               "l"(from)
               : "memory");
}
__device__ void commit() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
template <int N>
__device__ void wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
}
// Two groups in flight; each thread reads what it copied itself.
__global__ void copied(float* o) {
  __shared__ float s[2 * threads];
  const int t = threadIdx.x;
  copy(s + t, o + threads + t);
  commit();  // first
  copy(s + threads + t, o + t);
  commit();   // second
  wait<1>();  // for the first
  const float first = s[t];
  wait<0>();  // for the second
  o[t] = first + 0 * s[threads + t];
}

// The last block adds up what the others left.
__global__ void last_block(float* o, float* partials, int* tickets) {
  if (threadIdx.x == 0) partials[blockIdx.x] = blockIdx.x;
  __threadfence();  // passes on what was written before
  __shared__ bool last;
  if (threadIdx.x == 0) last = atomicAdd(tickets, 1) == gridDim.x - 1;
  __syncthreads();  // for last
  __threadfence();  // the last block sees what was passed on
  if (!last) return;
  float sum = 0;
  for (int i = 0; i < gridDim.x; i++) sum += partials[i];
  o[threadIdx.x] = sum == gridDim.x * (gridDim.x - 1) / 2 ? threads - 1.0f - threadIdx.x : -1.0f;
}

int main(int argc, char** argv) {
  if (argc > 1) g_name = argv[1];
  std::vector<float> numbers(2 * threads), expected(threads);
  for (int i = 0; i < threads; i++) numbers[i] = numbers[threads + i] = expected[i] = threads - 1 - i;
  if (is("own"))
    for (int i = 0; i < threads; i++) expected[i] = i;
  float* o = to_device(numbers);
  float* partials = to_device(numbers);
  int* tickets = to_device(std::vector<int>(1));
  if (is("reversed")) reversed<float><<<1, threads>>>(o);
  if (is("reversed_int")) reversed<int><<<1, threads>>>(o);
  if (is("own")) own<<<1, threads>>>(o);
  if (is("inlined")) inlined<<<1, threads>>>(o);
  if (is("voted")) voted<<<1, threads>>>(o);
  if (is("summed")) summed<<<1, threads>>>(o);
  if (is("within_warps")) within_warps<<<1, threads>>>(o);
  if (is("copied")) copied<<<1, threads>>>(o);
  if (is("last_block")) last_block<<<8, threads>>>(o, partials, tickets);
  printf("%s\n", to_host(o, threads) == expected ? "right" : "wrong");
}
