// The device: what it looks like, limits, reset.

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cudart/modules.h"
#include "cudart/runtime.h"
#include "cudart/work.h"
#include "memory.h"
#include "options.h"

namespace ptxi {

void device_prop(cudaDeviceProp& p) {
  memset(&p, 0, sizeof p);
  const int cc = options().cc;
  const char* like = cc >= 90 ? "H100" : cc >= 80 ? "A100" : "T4";
  snprintf(p.name, sizeof p.name, "ptxi PTX interpreter (%s-like)", like);
  p.major = cc / 10;
  p.minor = cc % 10;
  p.totalGlobalMem = options().mem_bytes;
  p.sharedMemPerBlock = 48 << 10;
  p.sharedMemPerBlockOptin = optin_limit();
  p.sharedMemPerMultiprocessor = cc >= 90 ? 233472 : cc >= 80 ? 167936 : 65536;
  p.reservedSharedMemPerBlock = cc >= 80 ? 1024 : 0;
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
  p.multiProcessorCount = cc >= 90 ? 132 : cc >= 80 ? 108 : 40;
  p.maxThreadsPerMultiProcessor = cc >= 80 ? 2048 : 1024;
  p.maxBlocksPerMultiProcessor = cc >= 80 ? 32 : 16;
  p.l2CacheSize = cc >= 90 ? 50 << 20 : cc >= 80 ? 40 << 20 : 4 << 20;
  p.persistingL2CacheMaxSize = cc >= 80 ? p.l2CacheSize / 4 * 3 : 0;
  p.accessPolicyMaxWindowSize = cc >= 80 ? 134213632 : 0;
  p.memoryBusWidth = cc >= 80 ? 5120 : 256;
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
  const int cc = options().cc;
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
      *v = cc >= 90 ? 1980000 : cc >= 80 ? 1410000 : 1590000;
      break;
    case cudaDevAttrMemoryClockRate:
      *v = cc >= 90 ? 2619000 : cc >= 80 ? 1215000 : 5001000;
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
      *v = cc >= 80 ? 2 : 32;
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
