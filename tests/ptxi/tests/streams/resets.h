// Faults, and what they leave: resets, callbacks, memory of the host.
#pragma once
#include <cuda_profiler_api.h>

#include "common.h"

__device__ int written_by_all[256];
__global__ void write_variable(int* x) {
  x[threadIdx.x] = written_by_all[threadIdx.x]++;
}

static void CUDART_CB print_status(cudaStream_t stream, cudaError_t status, void* name) {
  print((const char*)name, status);
}

static void resets() {
  if (is("ok_resets")) {  // all that was done before is over, waited for or not; addresses come again
    for (int i = 0; i < 3; i++) {
      CK(cudaDeviceReset());
      int *x = device_array<int>(256), *host;
      CK(cudaMallocHost(&host, kBytes));
      CK(cudaStreamCreate(&s));
      CK(cudaMemcpyToSymbolAsync(written_by_all, host, 1024, 0, cudaMemcpyHostToDevice, s));
      write_variable<<<1, 256, 0, s>>>(x);
      download(host, x, s, 1024);
      CK(cudaStreamDestroy(s));
      CK(cudaProfilerStop());
    }
    result(0, 0);
  }
  if (is("fault_of_another")) {  // the copy will not be done, so it needs nothing any more
    set_on(s, nullptr, 1);
    upload(a, pinned, t);
    download(other_pinned, b, t);
    print("wait", cudaStreamSynchronize(s));
    pinned[0] = other_pinned[0] = 2;
    print("wait", cudaDeviceSynchronize());
    CK(cudaDeviceReset());
    setup();
    set_on(s, a, 3);
    result(last(a), 3);
  }
  if (is("callbacks_of_fault")) {
    set_on(s, nullptr, 1);
    CK(cudaStreamAddCallback(s, print_status, (void*)"callback", 0));
    CK(cudaStreamAddCallback(t, print_status, (void*)"callback of another", 0));
    print("wait", cudaStreamSynchronize(s));
    print("wait", cudaStreamSynchronize(t));
  }
}
