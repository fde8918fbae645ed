// Two streams, and what is captured of them.
#pragma once
#include "../test.h"

__global__ void add(int* x, int v) {
  x[threadIdx.x] += v;
}
__global__ void set_one(int* x, int v) {
  *x = v;
}
static int g_host_calls;
static void host_fn(void* p) {
  g_host_calls += *(int*)p;
}

static cudaStream_t s, t;  // t is non-blocking
static cudaEvent_t branched, joined;
static int *d, *e;  // four numbers each, on the device
static int h[4], src[4] = {1, 2, 3, 4};

static void setup() {
  CK(cudaStreamCreate(&s));
  CK(cudaStreamCreateWithFlags(&t, cudaStreamNonBlocking));
  CK(cudaEventCreate(&branched));
  CK(cudaEventCreate(&joined));
  CK(cudaMalloc(&d, 16));
  CK(cudaMalloc(&e, 16));
}
static void begin(cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal) {
  CK(cudaStreamBeginCapture(s, mode));
}
static cudaGraph_t end() {
  cudaGraph_t graph;
  CK(cudaStreamEndCapture(s, &graph));
  return graph;
}
static cudaGraphExec_t instantiate(cudaGraph_t graph) {
  cudaGraphExec_t exec;
  CK(cudaGraphInstantiate(&exec, graph, 0));
  return exec;
}
static void branch() {
  CK(cudaEventRecord(branched, s));
  CK(cudaStreamWaitEvent(t, branched, 0));
}
static int first_of_d() {
  CK(cudaMemcpy(h, d, 4, cudaMemcpyDeviceToHost));
  return h[0];
}
