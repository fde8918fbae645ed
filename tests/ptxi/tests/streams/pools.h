// Memory that streams allocate and free, and cudaFree.
#pragma once
#include "host_functions.h"

static int* from_pool(cudaStream_t stream) {
  int* p;
  CK(cudaMallocAsync(&p, kBytes, stream));
  return p;
}

static void pools() {
  if (is("rounds"))  // more than there are addresses, but little at a time
    for (int i = 0; i < 40; i++) {
      void *large, *small;
      CK(cudaMalloc(&large, 1100 << 20));
      CK(cudaMalloc(&small, 1000));
      CK(cudaFree(large));
      CK(cudaFree(small));
      if (i == 39) result(1, 1);
    }
  if (is("pool_use_before") || is("ok_pool")) {  // t uses memory of s
    int* p = from_pool(s);
    if (is("ok_pool")) order(s, t);
    set_on(t, p, 3);
    if (is("ok_pool")) order(t, s);
    CK(cudaDeviceSynchronize());
    CK(cudaFreeAsync(p, s));
    CK(cudaStreamSynchronize(s));
  }
  if (is("pool_free_before_use") || is("pool_free_unordered")) {  // s frees memory that t uses
    int* p = from_pool(s);
    order(s, t);
    set_on(t, p, 3);
    CK(cudaFreeAsync(p, s));
    if (is("pool_free_unordered")) CK(cudaStreamSynchronize(t));
    print("wait", cudaDeviceSynchronize());
  }
  if (is("pool_use_after")) {
    int* p = from_pool(s);
    CK(cudaFreeAsync(p, s));
    set_on(s, p, 3);
    print("wait", cudaStreamSynchronize(s));
  }
  if (is("pool_copy_after")) {
    int* p = from_pool(s);
    CK(cudaFreeAsync(p, s));
    CK(cudaMemcpyAsync(a, p, kBytes, cudaMemcpyDefault, s));
    print("wait", cudaStreamSynchronize(s));
  }
  if (is("ok_pool_full_beside_function")) {  // which waits for the host
    int* p;
    CK(cudaLaunchHostFunc(t, wait_until_idle, nullptr));
    for (int i = 0; i < 2; i++) {
      CK(cudaMallocAsync(&p, 60 << 20, s));
      CK(cudaFreeAsync(p, s));
    }
    g_idle = true;
    CK(cudaDeviceSynchronize());
  }
  if (is("ok_pool_full")) {  // memory whose free is under way is waited for
    for (int i = 0; i < 4; i++) {
      int* p;
      CK(cudaMallocAsync(&p, 48 << 20, s));
      CK(cudaMemsetAsync(p, 0, 48 << 20, s));
      CK(cudaFreeAsync(p, s));
    }
    CK(cudaStreamSynchronize(s));
  }
}

static void wrong_frees() {
  if (is("free_async_twice")) {
    int* p = from_pool(s);
    CK(cudaFreeAsync(p, s));
    EXPECT(cudaFreeAsync(p, s), cudaErrorInvalidValue);
    CK(cudaStreamSynchronize(s));
    EXPECT(cudaFreeAsync(p, s), cudaErrorInvalidValue);
  }
  if (is("free_async_inside")) EXPECT(cudaFreeAsync(a + 1, s), cudaErrorInvalidValue);
  if (is("free_async_pinned")) EXPECT(cudaFreeAsync(pinned, s), cudaErrorInvalidValue);
}

static void frees_by_host() {
  if (is("pool_free_by_host") || is("ok_pool_free_by_host")) {  // cudaFree does not wait for memory of a pool
    int* p = from_pool(s);
    set_on(s, p, 3);
    order(s, t);
    CK(cudaStreamSynchronize(is("pool_free_by_host") ? blocking : t));
    CK(cudaFree(p));
    print("wait", cudaDeviceSynchronize());
  }
  if (is("free_waits")) {  // or does not, with PTXI_STREAMS=latest
    int* p;
    CK(cudaMalloc(&p, kBytes));
    set_on(s, p, 3);
    CK(cudaFree(p));
    print("wait", cudaDeviceSynchronize());
  }
}
