// Streams that use the same memory without an order, where the result is right all the same.
#pragma once
#include "common.h"

__global__ void increase(int* x, int by) {
  x[blockIdx.x * blockDim.x + threadIdx.x] += by;
}
__global__ void increase_atomically(int* x, int by) {
  atomicAdd(&x[threadIdx.x % 2], by);
}
__global__ void increase_alternate(int* x, int first) {
  x[2 * (blockIdx.x * blockDim.x + threadIdx.x) + first] += 1;
}

static void stream_races() {
  if (is("both_increase") || is("ok_both_increase")) {
    increase<<<kBlocks, kThreads, 0, s>>>(a, 1);
    if (is("ok_both_increase")) order(s, t);
    increase<<<kBlocks, kThreads, 0, t>>>(a, 2);
    result(last(a), 3);
  }
  if (is("both_increase_waiting") ||
      is("ok_increase_waiting")) {  // the host waits when both are queued, or between
    increase<<<kBlocks, kThreads, 0, s>>>(a, 1);
    if (is("ok_increase_waiting")) CK(cudaStreamSynchronize(s));
    increase<<<kBlocks, kThreads, 0, t>>>(a, 2);
    CK(cudaStreamSynchronize(s));
    CK(cudaStreamSynchronize(t));
    result(last(a), 3);
  }
  if (is("branches_increase") || is("ok_branches_increase")) {  // of a graph
    begin_capture(s);
    order(s, t);
    increase<<<kBlocks, kThreads, 0, s>>>(a, 1);
    if (is("ok_branches_increase")) order(s, t);
    increase<<<kBlocks, kThreads, 0, t>>>(a, 2);
    order(t, s);
    cudaGraphExec_t exec = end_capture(s);
    CK(cudaGraphLaunch(exec, s));
    CK(cudaGraphLaunch(exec, t));
    result(last(a), 6);
  }
  if (is("both_copy")) {  // the same bytes
    CK(cudaMemcpyAsync(b, a, kBytes, cudaMemcpyDeviceToDevice, s));
    CK(cudaMemsetAsync(b + kCount - 1, 0, 4, t));
    result(last(b), 0);
  }
  if (is("kernel_and_fill_pinned") || is("kernel_and_fill_managed")) {
    int* p = pinned;
    if (is("kernel_and_fill_managed")) CK(cudaMallocManaged(&p, kBytes));
    increase<<<kBlocks, kThreads, 0, s>>>(p, 1);
    CK(cudaMemsetAsync(p, 0, kBytes, t));
    CK(cudaStreamSynchronize(t));
    CK(cudaStreamSynchronize(s));
  }
  if (is("copies_pinned") || is("ok_copies_pinned")) {
    upload(a, pinned, s);
    if (is("ok_copies_pinned")) order(s, t);
    download(pinned, b, t);
    CK(cudaStreamSynchronize(s));
    CK(cudaStreamSynchronize(t));
  }
  if (is("increase_of_atomics")) {  // only one of the two is atomic
    increase_atomically<<<1, 64, 0, s>>>(a, 1);
    increase<<<1, 2, 0, t>>>(a, 2);
    CK(cudaDeviceSynchronize());
  }
  if (is("ok_atomics")) {
    for (cudaStream_t stream : {s, t}) increase_atomically<<<2, 64, 0, stream>>>(a, 1);
    CK(cudaDeviceSynchronize());
  }
  if (is("ok_halves")) {
    increase<<<kBlocks / 2, kThreads, 0, s>>>(a, 1);
    increase<<<kBlocks / 2, kThreads, 0, t>>>(a + kCount / 2, 1);
    CK(cudaMemsetAsync(b, 0, 4, s));
    CK(cudaMemsetAsync((char*)b + 4, 0, kBytes - 4, t));
    result(last(a), 1);
  }
  if (is("ok_alternate")) {
    increase_alternate<<<kBlocks / 2, kThreads, 0, s>>>(a, 0);
    increase_alternate<<<kBlocks / 2, kThreads, 0, t>>>(a, 1);
    result(last(a), 1);
  }
  if (is("ok_both_read")) {
    add_on(s, pinned, a);
    CK(cudaMemcpyAsync(b, a, kBytes, cudaMemcpyDeviceToDevice, t));
    result(last(b), 0);
  }
}
