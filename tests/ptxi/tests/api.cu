// The runtime API: allocation, pools, symbols, launches, attributes, error codes.
#include <cuda_profiler_api.h>

#include "test.h"

__global__ void add(int* x, int v, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) x[i] += v;
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

static void device() {
  int n, v, cc;
  CK(cudaGetDeviceCount(&n));
  TRUE(n == 1);
  EXPECT(cudaSetDevice(1), cudaErrorInvalidDevice);
  cudaGetLastError();
  cudaDeviceProp p;
  CK(cudaGetDeviceProperties(&p, 0));
  CK(cudaDeviceGetAttribute(&cc, cudaDevAttrComputeCapabilityMajor, 0));
  CK(cudaDeviceGetAttribute(&v, cudaDevAttrComputeCapabilityMinor, 0));
  cc = 10 * cc + v;
  CK(cudaDeviceGetAttribute(&v, cudaDevAttrMultiProcessorCount, 0));
  TRUE(v == p.multiProcessorCount && v == (cc == 75 ? 40 : cc == 80 ? 108 : cc == 89 ? 128 : 132));
  int shared;
  CK(cudaDeviceGetAttribute(&shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0));
  TRUE(shared == (cc == 75 ? 64 << 10 : cc == 80 ? 163 << 10 : cc == 89 ? 99 << 10 : 227 << 10));
  CK(cudaRuntimeGetVersion(&v));
  TRUE(v == CUDART_VERSION);
  cudaFuncAttributes a;
  CK(cudaFuncGetAttributes(&a, bounded));
  TRUE(a.maxThreadsPerBlock == 128 && a.numRegs <= 128);
  CK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&n, bounded, 128, 0));
  TRUE(n >= 4);
  CK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&n, uses_dynamic, 128, 80 << 10));
  TRUE(n == (cc == 75 ? 0 : cc == 89 ? 1 : 2));
  int min_grid, block;
  CK(cudaOccupancyMaxPotentialBlockSize(&min_grid, &block, add, 0, 0));
  TRUE(block >= 128 && min_grid > 0);
  EXPECT(cudaFuncSetAttribute(uses_dynamic, cudaFuncAttributeMaxDynamicSharedMemorySize, shared + 1),
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
  device();
  return finish();
}
