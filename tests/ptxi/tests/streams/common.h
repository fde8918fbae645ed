// What the tests of late streams (PTXI_STREAMS=late) share.
#pragma once
#include "../test.h"

__global__ void set(int* x, int v, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) x[i] = v;
}
__global__ void add(int* to, const int* from, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) to[i] += from[i];
}

constexpr int kCount = 4096, kBytes = kCount * 4, kThreads = 256, kBlocks = kCount / kThreads;
static cudaStream_t s, t, blocking;  // s and t are non-blocking
static cudaEvent_t event;
static int *a, *b, *pinned, *other_pinned;  // a and b: on the device, zero; pinned: ones

static void fill(int* host, int v) {
  for (int i = 0; i < kCount; i++) host[i] = v;
}
static void result(int got, int want) {
  printf("result %s: %d\n", got == want ? "right" : "wrong", got);
}
// The last number of an array on the device, once the device is idle.
static int last(const int* device) {
  int v;
  CK(cudaDeviceSynchronize());
  CK(cudaMemcpy(&v, device + kCount - 1, 4, cudaMemcpyDeviceToHost));
  return v;
}
static void set_on(cudaStream_t stream, int* x, int v) {
  set<<<kBlocks, kThreads, 0, stream>>>(x, v, kCount);
}
static void add_on(cudaStream_t stream, int* to, const int* from) {
  add<<<kBlocks, kThreads, 0, stream>>>(to, from, kCount);
}
static void order(cudaStream_t first, cudaStream_t second) {
  CK(cudaEventRecord(event, first));
  CK(cudaStreamWaitEvent(second, event));
}
static void upload(int* device, const int* host, cudaStream_t stream, size_t bytes = kBytes) {
  CK(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, stream));
}
static void download(int* host, const int* device, cudaStream_t stream, size_t bytes = kBytes) {
  CK(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, stream));
}
static void begin_capture(cudaStream_t stream) {
  CK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
}
static cudaGraphExec_t end_capture(cudaStream_t stream) {
  cudaGraph_t graph;
  cudaGraphExec_t exec;
  CK(cudaStreamEndCapture(stream, &graph));
  CK(cudaGraphInstantiate(&exec, graph, 0));
  return exec;
}

static void setup() {
  CK(cudaMalloc(&a, kBytes));
  CK(cudaMalloc(&b, kBytes));
  CK(cudaMemset(a, 0, kBytes));
  CK(cudaMemset(b, 0, kBytes));
  CK(cudaMallocHost(&pinned, kBytes));
  CK(cudaMallocHost(&other_pinned, kBytes));
  fill(pinned, 1);
  CK(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking));
  CK(cudaStreamCreateWithFlags(&t, cudaStreamNonBlocking));
  CK(cudaStreamCreate(&blocking));
  CK(cudaEventCreate(&event));
  CK(cudaDeviceSynchronize());
}
