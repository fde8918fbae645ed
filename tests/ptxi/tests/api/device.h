// The device: its properties, occupancy, launches and their errors, faults.
#pragma once
#include <cuda_profiler_api.h>

#include "../test.h"

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
// Of a module with extern arrays ptxas pads the static memory of each kernel to their largest alignment.
extern __shared__ __align__(1024) char aligned[];
__global__ void padded(int* x) {
  __shared__ int reversed[25];
  if (threadIdx.x < 25) reversed[24 - threadIdx.x] = threadIdx.x;
  __syncthreads();
  if (threadIdx.x < 25) x[threadIdx.x] = reversed[threadIdx.x] + aligned[0];
}
__global__ void padded_alone(int* x) {
  __shared__ int reversed[25];
  if (threadIdx.x < 25) reversed[24 - threadIdx.x] = threadIdx.x;
  __syncthreads();
  if (threadIdx.x < 25) x[threadIdx.x] = reversed[threadIdx.x];
}
__device__ int one = 1;
__managed__ int managed_one = 1;

// The compute capability: 75, 80, ...
static int capability() {
  int major, minor;
  CK(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0));
  CK(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, 0));
  return 10 * major + minor;
}
static int most_shared() {
  int bytes;
  CK(cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0));
  return bytes;
}

static void properties() {
  int n, v;
  const int cc = capability(), shared = most_shared();
  CK(cudaGetDeviceCount(&n));
  TRUE(n == 1);
  EXPECT(cudaSetDevice(1), cudaErrorInvalidDevice);
  EXPECT(cudaGetDevice(nullptr), cudaErrorInvalidValue);
  EXPECT(cudaGetDeviceProperties((cudaDeviceProp*)nullptr, 0), cudaErrorInvalidValue);
  EXPECT(cudaDeviceGetAttribute(nullptr, cudaDevAttrWarpSize, 0), cudaErrorInvalidValue);
  CK(cudaDeviceCanAccessPeer(&v, 0, 0));
  EXPECT(cudaDeviceCanAccessPeer(&v, 0, 5), cudaErrorInvalidDevice);
  CK(cudaSetDeviceFlags(cudaDeviceScheduleBlockingSync | cudaDeviceMapHost));
  EXPECT(cudaSetDeviceFlags(cudaDeviceScheduleSpin | cudaDeviceScheduleYield), cudaErrorInvalidValue);
  EXPECT(cudaSetDeviceFlags(0xffff), cudaErrorInvalidValue);
  CK(cudaInitDevice(0, 0xffff, 0));
  EXPECT(cudaInitDevice(0, 0xffff, cudaInitDeviceFlagsAreValid), cudaErrorInvalidValue);
  EXPECT(cudaInitDevice(0, 0, 2), cudaErrorInvalidValue);
  EXPECT(cudaInitDevice(4, 0, 0), cudaErrorInvalidDevice);
  char bus[16];
  CK(cudaDeviceGetPCIBusId(bus, sizeof bus, 0));
  EXPECT(cudaDeviceGetPCIBusId(bus, 0, 0), cudaErrorInvalidValue);
  cudaGetLastError();
  cudaDeviceProp p;
  CK(cudaGetDeviceProperties(&p, 0));
  CK(cudaDeviceGetAttribute(&v, cudaDevAttrMultiProcessorCount, 0));
  TRUE(v == p.multiProcessorCount && v == (cc == 75 ? 40 : cc == 80 ? 108 : cc == 89 ? 128 : 132));
  TRUE(shared == (cc == 75 ? 64 << 10 : cc == 80 ? 163 << 10 : cc == 89 ? 99 << 10 : 227 << 10));
  CK(cudaRuntimeGetVersion(&v));
  TRUE(v == CUDART_VERSION);
}

static void occupancy() {
  const int cc = capability();
  int n, min_grid, block;
  cudaFuncAttributes a;
  CK(cudaFuncGetAttributes(&a, bounded));
  TRUE(a.maxThreadsPerBlock == 128 && a.numRegs <= 128);
  CK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&n, bounded, 128, 0));
  TRUE(n >= 4);
  CK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&n, uses_dynamic, 128, 80 << 10));
  TRUE(n == (cc == 75 ? 0 : cc == 89 ? 1 : 2));
  CK(cudaOccupancyMaxPotentialBlockSize(&min_grid, &block, bad_write, 0, 0));
  TRUE(block >= 128 && min_grid > 0);
}

static void padding() {
  cudaFuncAttributes a;
  size_t available;
  CK(cudaFuncGetAttributes(&a, uses_dynamic));
  TRUE(a.sharedSizeBytes == 0 && a.maxDynamicSharedSizeBytes == 48 << 10);
  for (auto kernel : {padded, padded_alone}) {
    CK(cudaFuncGetAttributes(&a, kernel));
    TRUE(a.sharedSizeBytes == 1024 && a.maxDynamicSharedSizeBytes == 47 << 10);
    CK(cudaOccupancyAvailableDynamicSMemPerBlock(&available, kernel, 1, 32));
    TRUE(available == (size_t)most_shared() - 1024);
    kernel<<<1, 32, (48 << 10) - 100>>>(nullptr);
    EXPECT(cudaGetLastError(), cudaErrorInvalidValue);
    const auto most_dynamic = cudaFuncAttributeMaxDynamicSharedMemorySize;
    EXPECT(cudaFuncSetAttribute(kernel, most_dynamic, most_shared() - 100), cudaErrorInvalidValue);
    cudaGetLastError();
    CK(cudaFuncSetAttribute(kernel, most_dynamic, most_shared() - 1024));
  }
}

static void launches() {
  EXPECT(cudaFuncSetAttribute(uses_dynamic, cudaFuncAttributeMaxDynamicSharedMemorySize, most_shared() + 1),
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
  attr[0].val.programmaticStreamSerializationAllowed = 0;
  attr[1].id = cudaLaunchAttributePriority;
  attr[1].val.priority = 0;
  cfg.attrs = attr;
  cfg.numAttrs = 2;
  CK(cudaLaunchKernelEx(&cfg, uses_dynamic, d));
  attr[0].val.programmaticStreamSerializationAllowed = 1;
  EXPECT(cudaLaunchKernelEx(&cfg, uses_dynamic, d), cudaErrorNotSupported);
  EXPECT(cudaGetLastError(), cudaErrorNotSupported);
  uses_dynamic<<<1, 32, 60004>>>(d);
  EXPECT(cudaGetLastError(), cudaErrorInvalidValue);
  EXPECT(cudaGetLastError(), cudaSuccess);  // configuration errors are not sticky
  uses_dynamic<<<1, 4096>>>(d);
  EXPECT(cudaGetLastError(), cudaErrorInvalidConfiguration);
  uses_dynamic<<<0, 1>>>(d);
  EXPECT(cudaGetLastError(), cudaErrorInvalidConfiguration);
  cudaKernel_t kernel;
  CK(cudaGetKernel(&kernel, uses_dynamic));
  EXPECT(cudaGetKernel(nullptr, uses_dynamic), cudaErrorInvalidValue);
  EXPECT(cudaGetKernel(&kernel, (const void*)&kernel), cudaErrorInvalidDeviceFunction);
  EXPECT(cudaGetKernel(&kernel, (const void*)nullptr), cudaErrorInvalidDeviceFunction);
  cudaGetLastError();
  CK(cudaProfilerStart());
  CK(cudaProfilerStop());
}

// A fault is sticky until the device is reset, and then variables have their initial values again.
static void faults() {
  const int two = 2;
  int *d, r;
  CK(cudaMemcpyToSymbol(one, &two, 4));
  CK(cudaMalloc(&d, 16));
  bad_write<<<1, 1>>>(d);
  EXPECT(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
  EXPECT(cudaGetLastError(), cudaErrorIllegalAddress);
  EXPECT(cudaMalloc(&d, 16), cudaErrorIllegalAddress);
  CK(cudaDeviceReset());
  CK(cudaMalloc(&d, 16));
  CK(cudaGetLastError());
  CK(cudaMemcpyFromSymbol(&r, one, 4));
  TRUE(r == 1);
}

// All that the device had is gone.
static void reset() {
  static int registered[1024];
  int *memory, *pooled;
  cudaStream_t stream;
  cudaEvent_t event;
  cudaMemPool_t pool, own_pool;
  cudaMemPoolProps props = {};
  props.allocType = cudaMemAllocationTypePinned;
  props.location = {cudaMemLocationTypeDevice, 0};
  CK(cudaMalloc(&memory, 16));
  CK(cudaHostRegister(registered, sizeof registered, 0));
  CK(cudaStreamCreate(&stream));
  CK(cudaEventCreate(&event));
  CK(cudaEventRecord(event, stream));
  CK(cudaDeviceGetDefaultMemPool(&pool, 0));
  CK(cudaMemPoolCreate(&own_pool, &props));
  CK(cudaMallocAsync(&pooled, 1 << 20, stream));
  CK(cudaMallocFromPoolAsync(&pooled, 1 << 20, own_pool, stream));
  EXPECT(cudaMallocFromPoolAsync(&pooled, 16, (cudaMemPool_t)event, stream), cudaErrorInvalidValue);
  CK(cudaStreamSynchronize(stream));
  cudaGetLastError();
  CK(cudaDeviceReset());
  EXPECT(cudaFree(memory), cudaErrorInvalidValue);
  EXPECT(cudaStreamSynchronize(stream), cudaErrorInvalidResourceHandle);
  EXPECT(cudaEventQuery(event), cudaErrorInvalidResourceHandle);
  EXPECT(cudaMemPoolTrimTo(own_pool, 0), cudaErrorInvalidValue);
  CK(cudaHostRegister(registered, sizeof registered, 0));
  CK(cudaHostUnregister(registered));
  uint64_t used = 1;
  CK(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &used));
  TRUE(used == 0);
  const int two = 2;  // a managed variable is registered as long as the program runs
  cudaPointerAttributes attributes;
  CK(cudaPointerGetAttributes(&attributes, &managed_one));
  TRUE(attributes.type != cudaMemoryTypeUnregistered);
  CK(cudaMemcpy(&managed_one, &two, 4, cudaMemcpyHostToDevice));
  TRUE(managed_one == 2);
  cudaGetLastError();
}
