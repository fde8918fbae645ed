// The device: what it looks like, limits, reset.

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cudart/chip.h"
#include "cudart/modules.h"
#include "cudart/runtime.h"
#include "cudart/work.h"
#include "memory.h"
#include "options.h"

namespace ptxi {

void device_prop(cudaDeviceProp& p) {
  memset(&p, 0, sizeof p);
  const Chip& like = chip();
  const bool ampere = like.cc >= 80;
  snprintf(p.name, sizeof p.name, "ptxi PTX interpreter (%s-like)", like.like);
  p.major = like.cc / 10;
  p.minor = like.cc % 10;
  p.totalGlobalMem = options().mem_bytes;
  p.sharedMemPerBlock = 48 << 10;
  p.sharedMemPerBlockOptin = optin_limit();
  p.sharedMemPerMultiprocessor = (size_t)like.shared;
  p.reservedSharedMemPerBlock = (size_t)like.reserved;
  p.regsPerBlock = p.regsPerMultiprocessor = 65536;
  p.warpSize = 32;
  p.memPitch = 2147483647;
  p.maxThreadsPerBlock = 1024;
  p.maxThreadsDim[0] = p.maxThreadsDim[1] = 1024;
  p.maxThreadsDim[2] = 64;
  p.maxGridSize[0] = 2147483647;
  p.maxGridSize[1] = p.maxGridSize[2] = 65535;
  p.totalConstMem = 64 << 10;
  p.textureAlignment = 512;
  p.texturePitchAlignment = 32;
  p.multiProcessorCount = like.multiprocessors;
  p.maxThreadsPerMultiProcessor = like.threads;
  p.maxBlocksPerMultiProcessor = like.blocks;
  p.l2CacheSize = like.l2 << 20;
  p.persistingL2CacheMaxSize = ampere ? p.l2CacheSize / 4 * 3 : 0;
  p.accessPolicyMaxWindowSize = ampere ? 134213632 : 0;
  p.memoryBusWidth = like.bus;
  p.canMapHostMemory = p.unifiedAddressing = p.managedMemory = p.concurrentKernels = 1;
  p.concurrentManagedAccess = p.computePreemptionSupported = 1;
  p.asyncEngineCount = 3;
  p.streamPrioritiesSupported = p.globalL1CacheSupported = p.localL1CacheSupported = 1;
  p.cooperativeLaunch = 1;
  p.memoryPoolsSupported = 1;
  p.hostRegisterSupported = 1;
  p.ECCEnabled = 1;
}

}  // namespace ptxi

using namespace ptxi;

// Whether CUDA_VISIBLE_DEVICES leaves device 0: its list ends at the first that does not exist.
static bool visible() {
  const char* list = getenv("CUDA_VISIBLE_DEVICES");
  return !list || (list[0] == '0' && (!list[1] || list[1] == ','));
}

extern "C" {

cudaError_t cudaGetDeviceCount(int* n) {
  *n = visible() ? 1 : 0;
  return visible() ? cudaSuccess : set_error(cudaErrorNoDevice);
}
cudaError_t cudaGetDevice(int* d) {
  *d = 0;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int d) {
  if (!visible()) return set_error(cudaErrorNoDevice);
  return d ? set_error(cudaErrorInvalidDevice) : cudaSuccess;
}
cudaError_t cudaInitDevice(int d, unsigned, unsigned) {
  return cudaSetDevice(d);
}
cudaError_t cudaSetDeviceFlags(unsigned) {
  return cudaSuccess;
}
cudaError_t cudaGetDeviceFlags(unsigned* f) {
  *f = 0;
  return cudaSuccess;
}
cudaError_t cudaChooseDevice(int* d, const cudaDeviceProp*) {
  *d = 0;
  return cudaSuccess;
}
cudaError_t cudaDeviceCanAccessPeer(int* c, int, int) {
  *c = 0;
  return cudaSuccess;
}
cudaError_t cudaDeviceSetCacheConfig(cudaFuncCache) {
  return cudaSuccess;
}
cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  if (least) *least = 0;
  if (greatest) *greatest = -5;
  return cudaSuccess;
}
static size_t g_limits[cudaLimitPersistingL2CacheSize + 1] = {1024, 1 << 20, 8 << 20, 2, 2048, 64, 0};
cudaError_t cudaDeviceSetLimit(cudaLimit l, size_t v) {
  if ((unsigned)l >= sizeof g_limits / sizeof *g_limits) return set_error(cudaErrorUnsupportedLimit);
  g_limits[l] = v;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetLimit(size_t* v, cudaLimit l) {
  if ((unsigned)l >= sizeof g_limits / sizeof *g_limits) return set_error(cudaErrorUnsupportedLimit);
  *v = g_limits[l];
  return cudaSuccess;
}
cudaError_t cudaDeviceGetPCIBusId(char* s, int n, int d) {
  if (d) return set_error(cudaErrorInvalidDevice);
  snprintf(s, (size_t)n, "0000:00:00.0");
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int d) {
  if (d) return set_error(cudaErrorInvalidDevice);
  device_prop(*p);
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* v, cudaDeviceAttr a, int d) {
  if (d) return set_error(cudaErrorInvalidDevice);
  cudaDeviceProp p;
  device_prop(p);
  switch (a) {
    case cudaDevAttrMaxThreadsPerBlock:
      *v = p.maxThreadsPerBlock;
      break;
    case cudaDevAttrMaxBlockDimX:
      *v = p.maxThreadsDim[0];
      break;
    case cudaDevAttrMaxBlockDimY:
      *v = p.maxThreadsDim[1];
      break;
    case cudaDevAttrMaxBlockDimZ:
      *v = p.maxThreadsDim[2];
      break;
    case cudaDevAttrMaxGridDimX:
      *v = p.maxGridSize[0];
      break;
    case cudaDevAttrMaxGridDimY:
      *v = p.maxGridSize[1];
      break;
    case cudaDevAttrMaxGridDimZ:
      *v = p.maxGridSize[2];
      break;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *v = (int)p.sharedMemPerBlock;
      break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *v = (int)p.sharedMemPerBlockOptin;
      break;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      *v = (int)p.sharedMemPerMultiprocessor;
      break;
    case cudaDevAttrReservedSharedMemoryPerBlock:
      *v = (int)p.reservedSharedMemPerBlock;
      break;
    case cudaDevAttrTotalConstantMemory:
      *v = (int)p.totalConstMem;
      break;
    case cudaDevAttrWarpSize:
      *v = 32;
      break;
    case cudaDevAttrMaxPitch:
      *v = (int)p.memPitch;
      break;
    case cudaDevAttrMaxRegistersPerBlock:
      *v = p.regsPerBlock;
      break;
    case cudaDevAttrMaxRegistersPerMultiprocessor:
      *v = p.regsPerMultiprocessor;
      break;
    case cudaDevAttrClockRate:
      *v = chip().clock;
      break;
    case cudaDevAttrMemoryClockRate:
      *v = chip().memory_clock;
      break;
    case cudaDevAttrTextureAlignment:
      *v = (int)p.textureAlignment;
      break;
    case cudaDevAttrMultiProcessorCount:
      *v = p.multiProcessorCount;
      break;
    case cudaDevAttrCanMapHostMemory:
    case cudaDevAttrConcurrentKernels:
    case cudaDevAttrUnifiedAddressing:
    case cudaDevAttrManagedMemory:
    case cudaDevAttrConcurrentManagedAccess:
    case cudaDevAttrComputePreemptionSupported:
    case cudaDevAttrStreamPrioritiesSupported:
    case cudaDevAttrGlobalL1CacheSupported:
    case cudaDevAttrLocalL1CacheSupported:
    case cudaDevAttrCooperativeLaunch:
    case cudaDevAttrMemoryPoolsSupported:
    case cudaDevAttrHostRegisterSupported:
    case cudaDevAttrEccEnabled:
      *v = 1;
      break;
    case cudaDevAttrAsyncEngineCount:
      *v = p.asyncEngineCount;
      break;
    case cudaDevAttrGlobalMemoryBusWidth:
      *v = p.memoryBusWidth;
      break;
    case cudaDevAttrL2CacheSize:
      *v = p.l2CacheSize;
      break;
    case cudaDevAttrMaxPersistingL2CacheSize:
      *v = p.persistingL2CacheMaxSize;
      break;
    case cudaDevAttrMaxAccessPolicyWindowSize:
      *v = p.accessPolicyMaxWindowSize;
      break;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      *v = p.maxThreadsPerMultiProcessor;
      break;
    case cudaDevAttrMaxBlocksPerMultiprocessor:
      *v = p.maxBlocksPerMultiProcessor;
      break;
    case cudaDevAttrComputeCapabilityMajor:
      *v = p.major;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *v = p.minor;
      break;
    case cudaDevAttrSingleToDoublePrecisionPerfRatio:
      *v = chip().f32_for_f64;
      break;
    default:
      *v = 0;
  }
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* v) {
  *v = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* v) {
  *v = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaDeviceReset() {
  LOCK();
  g_sticky = cudaSuccess;
  cudaGetLastError();
  streams_reset();
  mem_free_all();
  modules_reset();
  return cudaSuccess;
}
cudaError_t cudaProfilerStart() {
  LOCK();
  run_everything();  // what was queued outside does not belong to the range
  g_profiled = true;
  ++g_profiler_starts;
  return cudaSuccess;
}
cudaError_t cudaProfilerStop() {
  LOCK();
  run_everything();
  g_profiled = false;
  return cudaSuccess;
}

}  // extern "C"
