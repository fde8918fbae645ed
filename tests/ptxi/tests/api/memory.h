// Memory: allocation, copies, what pointers point to, memory of the host, managed memory, symbols, pools.
#pragma once
#include "../test.h"

__global__ void add(int* x, int v, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) x[i] += v;
}
__device__ int symbol[4] = {1, 2, 3, 4};
__constant__ int constant[2];
__managed__ int managed[2] = {5, 6};
__global__ void read_symbols(int* x) {
  *x = symbol[2] * 100 + constant[1];
}

static void copies() {
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
  CK(cudaFree(d));
  EXPECT(cudaFree(d), cudaErrorInvalidValue);
  cudaGetLastError();
  CK(cudaFree(nullptr));
}

static void too_much() {
  size_t f, t;
  CK(cudaMemGetInfo(&f, &t));
  TRUE(f < t && t >= 1u << 30);
  void* huge;
  EXPECT(cudaMalloc(&huge, t + 1), cudaErrorMemoryAllocation);
  TRUE(huge == nullptr);
  EXPECT(cudaGetLastError(), cudaErrorMemoryAllocation);
}

// Sizes whose sums or products wrap around.
static void sizes() {
  const size_t all = (size_t)-4, many = 1ull << 32;
  size_t pitch;
  void* p;
  EXPECT(cudaMalloc(&p, all), cudaErrorMemoryAllocation);
  EXPECT(cudaMallocAsync(&p, all, 0), cudaErrorMemoryAllocation);
  EXPECT(cudaMallocHost(&p, all), cudaErrorMemoryAllocation);
  EXPECT(cudaMallocManaged(&p, all), cudaErrorMemoryAllocation);
  EXPECT(cudaMallocPitch(&p, &pitch, 1ull << 40, 1ull << 40), cudaErrorMemoryAllocation);
  EXPECT(cudaMallocPitch(&p, &pitch, all, 1), cudaErrorMemoryAllocation);
  int *d, h[64];
  CK(cudaMalloc(&d, 256));
  EXPECT(cudaMemcpy(d, h, all, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT(cudaMemcpyAsync(h, d, all, cudaMemcpyDeviceToHost, 0), cudaErrorInvalidValue);
  EXPECT(cudaMemcpy2D(d, all, h, 16, 16, all, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT(cudaMemcpy(h, h + 1, all, cudaMemcpyHostToHost), cudaErrorInvalidValue);
  for (const cudaMemcpyKind kind : {cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDefault})
    EXPECT(cudaMemcpy2D(d, many, h, many, many, many, kind), cudaErrorInvalidValue);
  EXPECT(cudaMemcpy2D(h, many, h + 1, many, many, many, cudaMemcpyHostToHost), cudaErrorInvalidValue);
  EXPECT(cudaMemcpy2DAsync(h, many, nullptr, many, many, many, cudaMemcpyDefault, 0), cudaErrorInvalidValue);
  EXPECT(cudaMemset(d, 0, all), cudaErrorInvalidValue);
  EXPECT(cudaMemset2D(d, all, 0, 8, 2), cudaErrorInvalidValue);
  EXPECT(cudaHostRegister(h, all, 0), cudaErrorInvalidValue);
  CK(cudaFree(d));
  cudaGetLastError();
}

// Rows that are longer than the pitch, and no bytes at all.
static void rows() {
  int *d, h[64];
  CK(cudaMalloc(&d, 256));
  EXPECT(cudaMemcpy2D(d, 8, h, 16, 16, 1, cudaMemcpyHostToDevice), cudaErrorInvalidPitchValue);
  EXPECT(cudaMemset2D(d, 8, 0, 16, 4), cudaErrorInvalidValue);
  CK(cudaMemset2D(d, 8, 0, 8, 0));
  EXPECT(cudaMemsetAsync(d, 0, 0, (cudaStream_t)16), cudaErrorInvalidResourceHandle);
  CK(cudaFree(d));
  cudaGetLastError();
}

static void null_arguments() {
  int* d;
  size_t n;
  void* p;
  unsigned flags;
  CK(cudaMalloc(&d, 256));
  EXPECT(cudaMalloc((void**)nullptr, 4), cudaErrorInvalidValue);
  EXPECT(cudaMallocPitch(&p, nullptr, 64, 4), cudaErrorInvalidValue);
  EXPECT(cudaHostAlloc(&p, 64, 8), cudaErrorInvalidValue);
  EXPECT(cudaMallocManaged(&p, 0), cudaErrorInvalidValue);
  EXPECT(cudaHostUnregister(nullptr), cudaErrorInvalidValue);
  EXPECT(cudaMemGetInfo(nullptr, &n), cudaErrorInvalidValue);
  EXPECT(cudaPointerGetAttributes(nullptr, d), cudaErrorInvalidValue);
  EXPECT(cudaGetSymbolSize(nullptr, symbol), cudaErrorInvalidValue);
  EXPECT(cudaDeviceGetDefaultMemPool(nullptr, 0), cudaErrorInvalidValue);
  EXPECT(cudaMemPoolCreate(nullptr, nullptr), cudaErrorInvalidValue);
  CK(cudaMallocHost(&p, 64));
  EXPECT(cudaHostGetDevicePointer((void**)nullptr, p, 0), cudaErrorInvalidValue);
  EXPECT(cudaHostGetFlags(nullptr, p), cudaErrorInvalidValue);
  CK(cudaHostGetFlags(&flags, p));
  TRUE(flags == cudaHostAllocMapped);
  EXPECT(cudaHostGetFlags(&flags, d), cudaErrorInvalidValue);
  CK(cudaFreeHost(p));
  CK(cudaHostAlloc(&p, 64, cudaHostAllocPortable | cudaHostAllocWriteCombined));
  CK(cudaHostGetFlags(&flags, p));
  TRUE(flags == (cudaHostAllocPortable | cudaHostAllocWriteCombined | cudaHostAllocMapped));
  CK(cudaFreeHost(p));
  CK(cudaMemcpyPeerAsync(d, 0, d + 16, 0, 4, 0));
  CK(cudaDeviceSynchronize());
  EXPECT(cudaMemcpyPeerAsync(d, 5, d + 16, 0, 4, 0), cudaErrorInvalidDevice);
  EXPECT(cudaMemcpyPeerAsync(d, 0, d + 16, -1, 4, 0), cudaErrorInvalidDevice);
  CK(cudaFree(d));
  cudaGetLastError();
}

static void host_memory() {
  int *p, *pd, h[64];
  CK(cudaHostAlloc(&p, 256, cudaHostAllocMapped));
  cudaPointerAttributes at;
  CK(cudaPointerGetAttributes(&at, p));
  TRUE(at.type == cudaMemoryTypeHost);
  for (int i = 0; i < 64; i++) p[i] = i;
  CK(cudaHostGetDevicePointer(&pd, p, 0));
  add<<<1, 64>>>(pd, 1, 64);
  CK(cudaDeviceSynchronize());
  TRUE(p[63] == 64);
  CK(cudaFreeHost(p));
  CK(cudaHostRegister(h, sizeof h, 0));
  EXPECT(cudaHostRegister(h, sizeof h, 0), cudaErrorHostMemoryAlreadyRegistered);
  CK(cudaHostUnregister(h));
  EXPECT(cudaHostUnregister(h), cudaErrorHostMemoryNotRegistered);
  CK(cudaHostRegister(h + 16, 64, 0));
  EXPECT(cudaHostRegister(h, sizeof h, 0), cudaErrorHostMemoryAlreadyRegistered);
  CK(cudaHostUnregister(h + 16));
  cudaGetLastError();
}

static void managed_memory() {
  int* m;
  CK(cudaMallocManaged(&m, 256));
  m[0] = 1;
  add<<<1, 1>>>(m, 1, 1);
  CK(cudaDeviceSynchronize());
  TRUE(m[0] == 2);
  CK(cudaFree(m));
  TRUE(managed[1] == 6);
  add<<<1, 2>>>(managed, 10, 2);
  CK(cudaDeviceSynchronize());
  TRUE(managed[0] == 15 && managed[1] == 16);
}

static void managed_hints() {
  const cudaMemLocation host = {cudaMemLocationTypeHost, 0}, device = {cudaMemLocationTypeDevice, 0},
                        none = {cudaMemLocationTypeDevice, 7};
  cudaStream_t s, destroyed;
  int *m, *d;
  CK(cudaStreamCreate(&s));
  CK(cudaStreamCreate(&destroyed));
  CK(cudaStreamDestroy(destroyed));
  CK(cudaMallocManaged(&m, 256));
  CK(cudaMalloc(&d, 256));
  CK(cudaMemPrefetchAsync(m, 256, device, 0, s));
  CK(cudaMemPrefetchAsync(m + 1, 8, host, 0, s));
  CK(cudaMemPrefetchAsync(managed, sizeof managed, device, 0, s));
  EXPECT(cudaMemPrefetchAsync(nullptr, 4, device, 0, s), cudaErrorInvalidValue);
  EXPECT(cudaMemPrefetchAsync(d, 256, device, 0, s), cudaErrorInvalidValue);
  EXPECT(cudaMemPrefetchAsync(m, 0, device, 0, s), cudaErrorInvalidValue);
  EXPECT(cudaMemPrefetchAsync(m, 257, device, 0, s), cudaErrorInvalidValue);
  EXPECT(cudaMemPrefetchAsync(m, 256, device, 1, s), cudaErrorInvalidValue);
  EXPECT(cudaMemPrefetchAsync(m, 256, {}, 0, s), cudaErrorInvalidValue);
  EXPECT(cudaMemPrefetchAsync(m, 256, none, 0, s), cudaErrorInvalidDevice);
  EXPECT(cudaMemPrefetchAsync(m, 256, device, 0, destroyed), cudaErrorInvalidResourceHandle);
  CK(cudaMemAdvise(m, 256, cudaMemAdviseSetReadMostly, none));  // which the location does not matter for
  CK(cudaMemAdvise(m, 256, cudaMemAdviseSetAccessedBy, device));
  EXPECT(cudaMemAdvise(m, 256, cudaMemAdviseSetPreferredLocation, none), cudaErrorInvalidDevice);
  EXPECT(cudaMemAdvise(m, 256, (cudaMemoryAdvise)77, device), cudaErrorInvalidValue);
  EXPECT(cudaMemAdvise(d, 256, cudaMemAdviseSetReadMostly, device), cudaErrorInvalidValue);
  EXPECT(cudaMemAdvise(nullptr, 4, cudaMemAdviseSetReadMostly, device), cudaErrorInvalidValue);
  CK(cudaStreamAttachMemAsync(s, m));
  CK(cudaStreamAttachMemAsync(0, m, 0, cudaMemAttachGlobal));
  EXPECT(cudaStreamAttachMemAsync(0, m), cudaErrorInvalidValue);
  EXPECT(cudaStreamAttachMemAsync(s, nullptr), cudaErrorInvalidValue);
  EXPECT(cudaStreamAttachMemAsync(s, m, 0, 9), cudaErrorInvalidValue);
  EXPECT(cudaStreamAttachMemAsync(s, m, 128), cudaErrorInvalidValue);
  EXPECT(cudaStreamAttachMemAsync(destroyed, m), cudaErrorInvalidResourceHandle);
  CK(cudaFree(m));
  CK(cudaFree(d));
  CK(cudaStreamDestroy(s));
  cudaGetLastError();
}

static void symbols() {
  int v[4] = {7, 8, 9, 10}, r, *d;
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
  EXPECT(cudaMemcpyToSymbol(symbol, v, 16, 0, cudaMemcpyDeviceToHost), cudaErrorInvalidMemcpyDirection);
  EXPECT(cudaMemcpyToSymbol(symbol, v, 16, 0, cudaMemcpyDeviceToDevice), cudaErrorInvalidValue);
  EXPECT(cudaMemcpyFromSymbol(v, symbol, 16, 0, cudaMemcpyHostToDevice), cudaErrorInvalidMemcpyDirection);
  EXPECT(cudaMemcpyFromSymbol(v, symbol, 16, 0, cudaMemcpyDeviceToDevice), cudaErrorInvalidValue);
  cudaGetLastError();
  CK(cudaFree(d));
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
  cudaMemPoolProps props = {};
  EXPECT(cudaMemPoolCreate(&pool, &props), cudaErrorInvalidValue);
  props.allocType = cudaMemAllocationTypePinned;
  EXPECT(cudaMemPoolCreate(&pool, &props), cudaErrorInvalidValue);
  props.location = {cudaMemLocationTypeDevice, 5};
  EXPECT(cudaMemPoolCreate(&pool, &props), cudaErrorInvalidDevice);
  props.location.id = 0;
  CK(cudaMemPoolCreate(&pool, &props));
  CK(cudaMemPoolDestroy(pool));
  CK(cudaStreamDestroy(s));
  EXPECT(cudaStreamDestroy(s), cudaErrorInvalidResourceHandle);
  EXPECT(cudaMallocAsync(&a, 16, s), cudaErrorInvalidResourceHandle);
  cudaGetLastError();
}
