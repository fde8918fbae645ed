// Streams and events.
#pragma once
#include "../test.h"

static void count(void* calls) {
  ++*(int*)calls;
}

static void events() {
  cudaStream_t s;
  CK(cudaStreamCreate(&s));
  cudaEvent_t a, b, c;
  CK(cudaEventCreate(&a));
  CK(cudaEventCreate(&b));
  CK(cudaEventCreateWithFlags(&c, cudaEventDisableTiming));
  float ms = -1;
  EXPECT(cudaEventElapsedTime(&ms, a, b), cudaErrorInvalidResourceHandle);
  CK(cudaEventRecord(a, s));
  CK(cudaEventRecord(b, s));
  CK(cudaEventRecord(c, s));
  CK(cudaEventSynchronize(b));
  CK(cudaEventQuery(b));
  CK(cudaEventElapsedTime(&ms, a, b));
  TRUE(ms > 0);
  EXPECT(cudaEventElapsedTime(&ms, a, c), cudaErrorInvalidResourceHandle);
  CK(cudaEventDestroy(a));
  EXPECT(cudaEventRecord(a, s), cudaErrorInvalidResourceHandle);
  CK(cudaEventDestroy(b));
  CK(cudaEventDestroy(c));
  CK(cudaStreamDestroy(s));
  cudaGetLastError();
}

static void streams() {
  cudaStream_t s, t;
  CK(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking));
  CK(cudaStreamCreateWithPriority(&t, 0, -1));
  unsigned fl;
  CK(cudaStreamGetFlags(s, &fl));
  TRUE(fl == cudaStreamNonBlocking);
  cudaEvent_t event;
  CK(cudaEventCreate(&event));
  CK(cudaEventRecord(event, s));
  CK(cudaStreamWaitEvent(t, event, 0));
  int calls = 0;
  CK(cudaLaunchHostFunc(s, count, &calls));
  CK(cudaStreamSynchronize(s));
  TRUE(calls == 1);
  CK(cudaStreamSynchronize(t));
  CK(cudaStreamQuery(t));
  EXPECT(cudaStreamGetFlags(s, nullptr), cudaErrorInvalidValue);
  EXPECT(cudaStreamGetPriority(s, nullptr), cudaErrorInvalidValue);
  EXPECT(cudaStreamAddCallback(s, nullptr, nullptr, 0), cudaErrorInvalidValue);
  EXPECT(cudaStreamBeginCapture(s, (cudaStreamCaptureMode)7), cudaErrorInvalidValue);
  EXPECT(cudaThreadExchangeStreamCaptureMode(nullptr), cudaErrorInvalidValue);
  CK(cudaEventDestroy(event));
  EXPECT(cudaEventCreateWithFlags(&event, 8), cudaErrorInvalidValue);
  cudaStreamAttrValue value = {};
  CK(cudaStreamSetAttribute(s, cudaLaunchAttributeAccessPolicyWindow, &value));
  EXPECT(cudaStreamSetAttribute(s, cudaLaunchAttributeAccessPolicyWindow, nullptr), cudaErrorInvalidValue);
  CK(cudaStreamDestroy(s));
  EXPECT(cudaStreamSetAttribute(s, cudaLaunchAttributeAccessPolicyWindow, &value),
         cudaErrorInvalidResourceHandle);
  CK(cudaStreamDestroy(t));
  cudaGetLastError();
}
