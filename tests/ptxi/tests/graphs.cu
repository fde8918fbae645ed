// The runtime API: streams, events, capture, graphs.
#include <thread>

#include "test.h"

__global__ void add(int* x, int v, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) x[i] += v;
}
__global__ void set_one(int* x, int v) {
  *x = v;
}
static int g_host_calls;
static void host_fn(void* p) {
  g_host_calls += *(int*)p;
}

static void streams_events() {
  cudaStream_t s, t;
  CK(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking));
  CK(cudaStreamCreateWithPriority(&t, 0, -1));
  unsigned fl;
  CK(cudaStreamGetFlags(s, &fl));
  TRUE(fl == cudaStreamNonBlocking);
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
  CK(cudaStreamWaitEvent(t, a, 0));
  int one = 1;
  CK(cudaLaunchHostFunc(s, host_fn, &one));
  CK(cudaStreamSynchronize(s));
  TRUE(g_host_calls == 1);
  CK(cudaStreamSynchronize(t));
  CK(cudaStreamQuery(t));
  CK(cudaEventDestroy(a));
  EXPECT(cudaEventRecord(a, s), cudaErrorInvalidResourceHandle);
  CK(cudaEventDestroy(b));
  CK(cudaEventDestroy(c));
  CK(cudaStreamDestroy(s));
  CK(cudaStreamDestroy(t));
  cudaGetLastError();
}

static void graphs() {
  cudaStream_t s, t;
  CK(cudaStreamCreate(&s));
  CK(cudaStreamCreateWithFlags(&t, cudaStreamNonBlocking));
  cudaEvent_t fork, join;
  CK(cudaEventCreate(&fork));
  CK(cudaEventCreate(&join));
  int *d, *e, h[4] = {}, src[4] = {1, 2, 3, 4}, inc = 10;
  CK(cudaMalloc(&d, 16));
  CK(cudaMalloc(&e, 16));
  cudaStreamCaptureStatus st;
  CK(cudaStreamIsCapturing(s, &st));
  TRUE(st == cudaStreamCaptureStatusNone);
  CK(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal));
  CK(cudaStreamIsCapturing(s, &st));
  TRUE(st == cudaStreamCaptureStatusActive);
  EXPECT(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal), cudaErrorIllegalState);
  g_host_calls = 0;
  CK(cudaMemcpyAsync(d, src, 16, cudaMemcpyHostToDevice, s));
  CK(cudaEventRecord(fork, s));
  CK(cudaStreamWaitEvent(t, fork, 0));
  CK(cudaMemsetAsync(e, 0, 16, t));
  add<<<1, 4, 0, t>>>(e, 100, 4);
  CK(cudaEventRecord(join, t));
  add<<<1, 4, 0, s>>>(d, inc, 4);
  inc = 99;  // the parameter was copied when the launch was recorded
  CK(cudaStreamWaitEvent(s, join, 0));
  CK(cudaLaunchHostFunc(s, host_fn, &src[0]));
  CK(cudaMemcpyAsync(h, d, 16, cudaMemcpyDeviceToHost, s));
  EXPECT(cudaEventQuery(fork), cudaErrorCapturedEvent);  // also invalidates the capture
  cudaGraph_t g;
  EXPECT(cudaStreamEndCapture(s, &g), cudaErrorStreamCaptureInvalidated);
  TRUE(g == nullptr);
  cudaGetLastError();
  // Again, without the mistake
  inc = 10;
  CK(cudaStreamBeginCapture(s, cudaStreamCaptureModeThreadLocal));
  CK(cudaMemcpyAsync(d, src, 16, cudaMemcpyHostToDevice, s));
  CK(cudaEventRecord(fork, s));
  CK(cudaStreamWaitEvent(t, fork, 0));
  CK(cudaMemsetAsync(e, 0, 16, t));
  add<<<1, 4, 0, t>>>(e, 100, 4);
  CK(cudaEventRecord(join, t));
  add<<<1, 4, 0, s>>>(d, inc, 4);
  inc = 99;
  CK(cudaStreamWaitEvent(s, join, 0));
  CK(cudaLaunchHostFunc(s, host_fn, &src[0]));
  CK(cudaMemcpyAsync(h, d, 16, cudaMemcpyDeviceToHost, s));
  CK(cudaStreamEndCapture(s, &g));
  TRUE(h[0] == 0 && g_host_calls == 0);  // nothing ran yet
  size_t n = 0;
  CK(cudaGraphGetNodes(g, nullptr, &n));
  TRUE(n == 6);
  cudaGraphExec_t ex;
  CK(cudaGraphInstantiate(&ex, g, 0));
  CK(cudaGraphLaunch(ex, s));
  CK(cudaStreamSynchronize(s));
  TRUE(h[0] == 11 && h[3] == 14 && g_host_calls == 1);
  src[1] = 50;  // host memory is read at replay
  CK(cudaGraphLaunch(ex, s));
  CK(cudaStreamSynchronize(s));
  TRUE(h[1] == 60 && g_host_calls == 2);
  CK(cudaMemcpy(h, e, 16, cudaMemcpyDeviceToHost));
  TRUE(h[0] == 100);
  // Update with other parameters, and with another topology
  auto capture = [&](int v, int nodes) {
    cudaGraph_t r;
    CK(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal));
    for (int i = 0; i < nodes; i++) set_one<<<1, 1, 0, s>>>(d, v);
    CK(cudaStreamEndCapture(s, &r));
    return r;
  };
  cudaGraph_t g1 = capture(1, 1), g2 = capture(2, 1), g3 = capture(3, 2);
  cudaGraphExec_t ex1;
  CK(cudaGraphInstantiate(&ex1, g1, 0));
  CK(cudaGraphLaunch(ex1, s));
  CK(cudaMemcpy(h, d, 4, cudaMemcpyDeviceToHost));
  TRUE(h[0] == 1);
  cudaGraphExecUpdateResultInfo info;
  CK(cudaGraphExecUpdate(ex1, g2, &info));
  TRUE(info.result == cudaGraphExecUpdateSuccess);
  CK(cudaGraphLaunch(ex1, s));
  CK(cudaMemcpy(h, d, 4, cudaMemcpyDeviceToHost));
  TRUE(h[0] == 2);
  EXPECT(cudaGraphExecUpdate(ex1, g3, &info), cudaErrorGraphExecUpdateFailure);
  TRUE(info.result == cudaGraphExecUpdateErrorTopologyChanged);
  cudaGetLastError();
  // A kernel node changed by hand
  cudaGraphNode_t node;
  n = 1;
  CK(cudaGraphGetNodes(g1, &node, &n));
  cudaGraphNodeType type;
  CK(cudaGraphNodeGetType(node, &type));
  TRUE(type == cudaGraphNodeTypeKernel);
  int v = 77;
  void* args[] = {&d, &v};
  cudaKernelNodeParams kp = {};
  kp.func = (void*)set_one;
  kp.gridDim = kp.blockDim = dim3(1);
  kp.kernelParams = args;
  CK(cudaGraphExecKernelNodeSetParams(ex1, node, &kp));
  CK(cudaGraphLaunch(ex1, s));
  CK(cudaMemcpy(h, d, 4, cudaMemcpyDeviceToHost));
  TRUE(h[0] == 77);
  // Operations that are not allowed during a capture
  auto forbidden = [&](const char* what, cudaError_t want, auto fn) {
    cudaGraph_t r;
    CK(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal));
    cudaError_t e = fn();
    if (e != want)
      printf("FAIL %s: %s\n", what, cudaGetErrorName(e)), g_failed++;
    else
      g_passed++;
    EXPECT(cudaStreamEndCapture(s, &r), cudaErrorStreamCaptureInvalidated);
    cudaGetLastError();
  };
  void* p;
  forbidden("malloc", cudaErrorStreamCaptureUnsupported, [&] { return cudaMalloc(&p, 16); });
  forbidden("stream sync", cudaErrorStreamCaptureUnsupported, [&] { return cudaStreamSynchronize(s); });
  forbidden("stream query", cudaErrorStreamCaptureUnsupported, [&] { return cudaStreamQuery(s); });
  forbidden("device sync", cudaErrorStreamCaptureUnsupported, [&] { return cudaDeviceSynchronize(); });
  forbidden("memcpy", cudaErrorStreamCaptureImplicit,
            [&] { return cudaMemcpy(d, h, 4, cudaMemcpyHostToDevice); });
  forbidden("legacy launch", cudaErrorStreamCaptureImplicit, [&] {
    set_one<<<1, 1>>>(d, 1);
    return cudaGetLastError();
  });
  cudaEvent_t outside;
  CK(cudaEventCreate(&outside));
  CK(cudaEventRecord(outside, t));
  forbidden("wait for an outside event", cudaErrorStreamCaptureIsolation,
            [&] { return cudaStreamWaitEvent(s, outside, 0); });
  // Unjoined work; the legacy stream; ending what was not begun; relaxed mode; memory in a graph
  CK(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal));
  set_one<<<1, 1, 0, s>>>(d, 1);
  CK(cudaEventRecord(fork, s));
  CK(cudaStreamWaitEvent(t, fork, 0));
  set_one<<<1, 1, 0, t>>>(d, 1);
  EXPECT(cudaStreamEndCapture(s, &g3), cudaErrorStreamCaptureUnjoined);
  EXPECT(cudaStreamBeginCapture(0, cudaStreamCaptureModeGlobal), cudaErrorStreamCaptureUnsupported);
  EXPECT(cudaStreamEndCapture(s, &g3), cudaErrorIllegalState);
  CK(cudaStreamBeginCapture(s, cudaStreamCaptureModeRelaxed));
  CK(cudaMalloc(&p, 16));
  CK(cudaFree(p));
  int* q;
  CK(cudaMallocAsync(&q, 64, s));
  CK(cudaMemsetAsync(q, 0, 64, s));
  add<<<1, 16, 0, s>>>(q, 6, 16);
  CK(cudaMemcpyAsync(d, q, 16, cudaMemcpyDeviceToDevice, s));
  CK(cudaFreeAsync(q, s));
  cudaGraph_t g4;
  CK(cudaStreamEndCapture(s, &g4));
  cudaGraphExec_t ex4;
  CK(cudaGraphInstantiate(&ex4, g4, 0));
  for (int i = 0; i < 2; i++) CK(cudaGraphLaunch(ex4, s));
  CK(cudaMemcpy(h, d, 4, cudaMemcpyDeviceToHost));
  TRUE(h[0] == 6);
  // Another thread cannot end a capture
  CK(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal));
  std::thread([&] { EXPECT(cudaStreamEndCapture(s, &g3), cudaErrorStreamCaptureWrongThread); }).join();
  CK(cudaStreamEndCapture(s, &g3));
  CK(cudaGraphExecDestroy(ex));
  CK(cudaGraphDestroy(g));
  EXPECT(cudaGraphLaunch(ex, s), cudaErrorInvalidValue);
  CK(cudaStreamDestroy(s));
  CK(cudaStreamDestroy(t));
  cudaGetLastError();
}

int main() {
  streams_events();
  graphs();
  return finish();
}
