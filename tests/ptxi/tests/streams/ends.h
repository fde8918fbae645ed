// Work that fails or is never waited for, and what calls say of work that is not done.
#pragma once
#include "common.h"

__global__ void out_of_bounds(int* x) {
  x[1 << 20] = 1;
}

static void ends() {
  if (is("fault")) {
    out_of_bounds<<<1, 1, 0, s>>>(a);
    print("launch", cudaGetLastError());
    print("wait", cudaStreamSynchronize(s));
  }
  if (is("unwaited") || is("unwaited_reset") || is("ok_waited")) {  // the end of a program waits for nothing
    set_on(s, a, 3);
    set_on(s, b, 3);
    if (is("ok_waited")) CK(cudaStreamSynchronize(s));
    download(pinned, a, t);
    if (is("ok_waited")) CK(cudaStreamSynchronize(t));
    CK(cudaEventRecord(event, s));
    if (is("unwaited_reset")) {
      CK(cudaDeviceReset());
      printf("reset\n");
    }
  }
}

static void queries() {
  if (is("elapsed")) {
    cudaEvent_t end;
    CK(cudaEventCreate(&end));
    CK(cudaEventRecord(event, s));
    CK(cudaEventRecord(end, s));
    float ms;
    print("elapsed", cudaEventElapsedTime(&ms, event, end));
    CK(cudaEventSynchronize(end));
    CK(cudaEventElapsedTime(&ms, event, end));
  }
  if (is("queries")) {  // how often each of many events is not ready
    for (int i = 0; i < 32; i++) {
      int times = 0;
      CK(cudaEventRecord(event, s));
      while (cudaEventQuery(event) == cudaErrorNotReady) times++;
      CK(cudaEventRecord(event, s));
      while (cudaStreamQuery(s) == cudaErrorNotReady) times++;
      printf("%d ", times);
    }
    printf("\n");
  }
}
