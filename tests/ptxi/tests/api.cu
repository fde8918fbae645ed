// The runtime API: allocation, pools, streams, events, capture, graphs, attributes, error codes.
#include <cuda_profiler_api.h>
#include <thread>

#include "test.h"

__global__ void add(int* x, int v, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) x[i] += v;
}
__global__ void set_one(int* x, int v) {
  *x = v;
}
__global__ void bad_write(int* x) {
  x[1 << 20] = 1;
}
__global__ void __launch_bounds__(128, 4) bounded(int* x) {
  x[threadIdx.x] = 1;
}
extern __shared__ int dyn[];
__global__ void uses_dynamic(int* x) {
  x[threadIdx.x] = dyn[threadIdx.x] = threadIdx.x;
}
__device__ int symbol[4] = {1, 2, 3, 4};
__constant__ int constant[2];
__managed__ int managed[2] = {5, 6};
__global__ void read_symbols(int* x) {
  *x = symbol[2] * 100 + constant[1];
}
static int g_host_calls;
static void host_fn(void* p) {
  g_host_calls += *(int*)p;
}

static void memory() {
  int *d, h[64];
  CK(cudaMalloc(&d, 256));
  TRUE(((uintptr_t)d & 255) == 0);
  CK(cudaMemset(d, 0, 256));
  add<<<1, 64>>>(d, 5, 64);
  CK(cudaMemcpy(h, d, 256, cudaMemcpyDeviceToHost));
  TRUE(h[0] == 5 && h[63] == 5);
  CK(cudaMemcpy2D(h, 16, d, 32, 8, 4, cudaMemcpyDeviceToHost));
  EXPECT(cudaMemcpy2D(h, 4, d, 32, 8, 4, cudaMemcpyDeviceToHost), cudaErrorInvalidPitchValue);
  EXPECT(cudaMemcpy(h, d, 1024, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT(cudaGetLastError(), cudaErrorInvalidValue);
  EXPECT(cudaGetLastError(), cudaSuccess);
  EXPECT(cudaMemset(d, 0, 1024), cudaErrorInvalidValue);
  EXPECT(cudaPeekAtLastError(), cudaErrorInvalidValue);
  EXPECT(cudaGetLastError(), cudaErrorInvalidValue);
  cudaPointerAttributes at;
  CK(cudaPointerGetAttributes(&at, d));
  TRUE(at.type == cudaMemoryTypeDevice && at.device == 0 && at.devicePointer == d);
  CK(cudaPointerGetAttributes(&at, h));
  TRUE(at.type == cudaMemoryTypeUnregistered);
  int* p;
  CK(cudaHostAlloc(&p, 256, cudaHostAllocMapped));
  CK(cudaPointerGetAttributes(&at, p));
  TRUE(at.type == cudaMemoryTypeHost);
  for (int i = 0; i < 64; i++) p[i] = i;
  int* pd;
  CK(cudaHostGetDevicePointer(&pd, p, 0));
  add<<<1, 64>>>(pd, 1, 64);
  CK(cudaDeviceSynchronize());
  TRUE(p[63] == 64);
  CK(cudaFreeHost(p));
  CK(cudaHostRegister(h, sizeof h, 0));
  EXPECT(cudaHostRegister(h, sizeof h, 0), cudaErrorHostMemoryAlreadyRegistered);
  CK(cudaHostUnregister(h));
  EXPECT(cudaHostUnregister(h), cudaErrorHostMemoryNotRegistered);
  int* m;
  CK(cudaMallocManaged(&m, 256));
  m[0] = 1;
  add<<<1, 1>>>(m, 1, 1);
  CK(cudaDeviceSynchronize());
  TRUE(m[0] == 2);
  CK(cudaFree(m));
  size_t f, t;
  CK(cudaMemGetInfo(&f, &t));
  TRUE(f < t && t >= 1u << 30);
  void* huge;
  EXPECT(cudaMalloc(&huge, t + 1), cudaErrorMemoryAllocation);
  TRUE(huge == nullptr);
  EXPECT(cudaGetLastError(), cudaErrorMemoryAllocation);
  CK(cudaFree(d));
  EXPECT(cudaFree(d), cudaErrorInvalidValue);
  cudaGetLastError();
  CK(cudaFree(nullptr));
  int v[4] = {7, 8, 9, 10}, r;
  CK(cudaMemcpyToSymbol(symbol, v, 16));
  CK(cudaMemcpyToSymbol(constant, v, 4, 4));
  CK(cudaMalloc(&d, 4));
  read_symbols<<<1, 1>>>(d);
  CK(cudaMemcpy(&r, d, 4, cudaMemcpyDeviceToHost));
  TRUE(r == 907);
  CK(cudaMemcpyFromSymbol(&r, symbol, 4, 12));
  TRUE(r == 10);
  size_t sz;
  CK(cudaGetSymbolSize(&sz, symbol));
  TRUE(sz == 16);
  EXPECT(cudaMemcpyToSymbol(symbol, v, 16, 4), cudaErrorInvalidValue);
  cudaGetLastError();
  CK(cudaFree(d));
  TRUE(managed[1] == 6);
  add<<<1, 2>>>(managed, 10, 2);
  CK(cudaDeviceSynchronize());
  TRUE(managed[0] == 15 && managed[1] == 16);
}

static void pools() {
  cudaMemPool_t pool;
  CK(cudaDeviceGetDefaultMemPool(&pool, 0));
  uint64_t v = UINT64_MAX, used, reserved, high;
  CK(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &v));
  cudaStream_t s;
  CK(cudaStreamCreate(&s));
  int *a, *b;
  CK(cudaMallocAsync(&a, 1 << 20, s));
  CK(cudaMallocAsync(&b, 100, s));
  CK(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &used));
  CK(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReservedMemCurrent, &reserved));
  TRUE(used == (1 << 20) + 512 && reserved >= used);
  CK(cudaFreeAsync(a, s));
  CK(cudaFreeAsync(b, s));
  EXPECT(cudaFreeAsync(b, s), cudaErrorInvalidValue);
  cudaGetLastError();
  CK(cudaStreamSynchronize(s));
  CK(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &used));
  CK(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemHigh, &high));
  CK(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReservedMemCurrent, &reserved));
  TRUE(used == 0 && high == (1 << 20) + 512 && reserved > 0);
  CK(cudaMemPoolTrimTo(pool, 0));
  CK(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReservedMemCurrent, &reserved));
  TRUE(reserved == 0);
  v = 0;
  CK(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrUsedMemHigh, &v));
  CK(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemHigh, &high));
  TRUE(high == 0);
  CK(cudaStreamDestroy(s));
  EXPECT(cudaStreamDestroy(s), cudaErrorInvalidResourceHandle);
  EXPECT(cudaMallocAsync(&a, 16, s), cudaErrorInvalidResourceHandle);
  cudaGetLastError();
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

static void device() {
  int n, v, cc;
  CK(cudaGetDeviceCount(&n));
  TRUE(n == 1);
  EXPECT(cudaSetDevice(1), cudaErrorInvalidDevice);
  cudaGetLastError();
  cudaDeviceProp p;
  CK(cudaGetDeviceProperties(&p, 0));
  CK(cudaDeviceGetAttribute(&cc, cudaDevAttrComputeCapabilityMajor, 0));
  CK(cudaDeviceGetAttribute(&v, cudaDevAttrMultiProcessorCount, 0));
  TRUE(v == p.multiProcessorCount && v == (cc == 8 ? 108 : cc == 9 ? 132 : 40));
  CK(cudaDeviceGetAttribute(&v, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0));
  TRUE(v == (cc == 8 ? 163 << 10 : cc == 9 ? 227 << 10 : 64 << 10));
  CK(cudaRuntimeGetVersion(&v));
  TRUE(v == CUDART_VERSION);
  cudaFuncAttributes a;
  CK(cudaFuncGetAttributes(&a, bounded));
  TRUE(a.maxThreadsPerBlock == 128 && a.numRegs <= 128);
  CK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&n, bounded, 128, 0));
  TRUE(n >= 4);
  CK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&n, uses_dynamic, 128, 80 << 10));
  TRUE(n == (cc == 8 || cc == 9 ? 2 : 0));
  int min_grid, block;
  CK(cudaOccupancyMaxPotentialBlockSize(&min_grid, &block, add, 0, 0));
  TRUE(block >= 128 && min_grid > 0);
  EXPECT(cudaFuncSetAttribute(uses_dynamic, cudaFuncAttributeMaxDynamicSharedMemorySize, 1 << 20),
         cudaErrorInvalidValue);
  cudaGetLastError();
  CK(cudaFuncSetAttribute(uses_dynamic, cudaFuncAttributeMaxDynamicSharedMemorySize, 60000));
  int* d;
  CK(cudaMalloc(&d, 4096));
  cudaLaunchConfig_t cfg = {};
  cfg.gridDim = dim3(2);
  cfg.blockDim = dim3(32);
  cfg.dynamicSmemBytes = 60000;
  cudaLaunchAttribute attr[2];
  attr[0].id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attr[0].val.programmaticStreamSerializationAllowed = 1;
  attr[1].id = cudaLaunchAttributePriority;
  attr[1].val.priority = 0;
  cfg.attrs = attr;
  cfg.numAttrs = 2;
  CK(cudaLaunchKernelEx(&cfg, uses_dynamic, d));
  uses_dynamic<<<1, 32, 60004>>>(d);
  EXPECT(cudaGetLastError(), cudaErrorInvalidValue);
  EXPECT(cudaGetLastError(), cudaSuccess);  // configuration errors are not sticky
  add<<<1, 4096>>>(d, 1, 1);
  EXPECT(cudaGetLastError(), cudaErrorInvalidConfiguration);
  add<<<0, 1>>>(d, 1, 1);
  EXPECT(cudaGetLastError(), cudaErrorInvalidConfiguration);
  CK(cudaProfilerStart());
  CK(cudaProfilerStop());
  // A fault is sticky until the device is reset
  bad_write<<<1, 1>>>(d);
  EXPECT(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
  EXPECT(cudaGetLastError(), cudaErrorIllegalAddress);
  EXPECT(cudaMalloc(&d, 16), cudaErrorIllegalAddress);
  CK(cudaDeviceReset());
  CK(cudaMalloc(&d, 16));
  CK(cudaGetLastError());
  int r;
  CK(cudaMemcpyFromSymbol(&r, symbol, 4));
  TRUE(r == 1);  // variables have their initial values again
}

int main() {
  memory();
  pools();
  streams_events();
  graphs();
  device();
  return finish();
}
