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
  if (is("elapsed")) {  // asking again and again is enough
    cudaEvent_t end;
    CK(cudaEventCreate(&end));
    for (int i = 0; i < 16; i++) {
      CK(cudaEventRecord(event, s));
      CK(cudaEventRecord(end, s));
      float ms = -1;
      cudaError_t status = cudaErrorNotReady;
      for (int k = 0; k < 1000 && status == cudaErrorNotReady; k++)
        print("elapsed", status = cudaEventElapsedTime(&ms, event, end));
      CK(status);
      TRUE(ms > 0);
    }
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
