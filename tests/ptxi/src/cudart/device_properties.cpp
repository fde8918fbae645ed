// What the device looks like.

#include <cstdio>
#include <cstring>

#include "cudart/chip.h"
#include "cudart/modules.h"
#include "cudart/runtime.h"

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

// 0 for attributes that are not listed.
static int attribute(cudaDeviceAttr wanted) {
  cudaDeviceProp p;
  device_prop(p);
  const struct {
    cudaDeviceAttr name;
    int value;
  } attributes[] = {
      {cudaDevAttrMaxThreadsPerBlock, p.maxThreadsPerBlock},
      {cudaDevAttrMaxBlockDimX, p.maxThreadsDim[0]},
      {cudaDevAttrMaxBlockDimY, p.maxThreadsDim[1]},
      {cudaDevAttrMaxBlockDimZ, p.maxThreadsDim[2]},
      {cudaDevAttrMaxGridDimX, p.maxGridSize[0]},
      {cudaDevAttrMaxGridDimY, p.maxGridSize[1]},
      {cudaDevAttrMaxGridDimZ, p.maxGridSize[2]},
      {cudaDevAttrMaxSharedMemoryPerBlock, (int)p.sharedMemPerBlock},
      {cudaDevAttrMaxSharedMemoryPerBlockOptin, (int)p.sharedMemPerBlockOptin},
      {cudaDevAttrMaxSharedMemoryPerMultiprocessor, (int)p.sharedMemPerMultiprocessor},
      {cudaDevAttrReservedSharedMemoryPerBlock, (int)p.reservedSharedMemPerBlock},
      {cudaDevAttrTotalConstantMemory, (int)p.totalConstMem},
      {cudaDevAttrWarpSize, 32},
      {cudaDevAttrMaxPitch, (int)p.memPitch},
      {cudaDevAttrMaxRegistersPerBlock, p.regsPerBlock},
      {cudaDevAttrMaxRegistersPerMultiprocessor, p.regsPerMultiprocessor},
      {cudaDevAttrClockRate, chip().clock},
      {cudaDevAttrMemoryClockRate, chip().memory_clock},
      {cudaDevAttrTextureAlignment, (int)p.textureAlignment},
      {cudaDevAttrMultiProcessorCount, p.multiProcessorCount},
      {cudaDevAttrCanMapHostMemory, 1},
      {cudaDevAttrConcurrentKernels, 1},
      {cudaDevAttrUnifiedAddressing, 1},
      {cudaDevAttrManagedMemory, 1},
      {cudaDevAttrConcurrentManagedAccess, 1},
      {cudaDevAttrComputePreemptionSupported, 1},
      {cudaDevAttrStreamPrioritiesSupported, 1},
      {cudaDevAttrGlobalL1CacheSupported, 1},
      {cudaDevAttrLocalL1CacheSupported, 1},
      {cudaDevAttrCooperativeLaunch, 1},
      {cudaDevAttrMemoryPoolsSupported, 1},
      {cudaDevAttrHostRegisterSupported, 1},
      {cudaDevAttrEccEnabled, 1},
      {cudaDevAttrAsyncEngineCount, p.asyncEngineCount},
      {cudaDevAttrGlobalMemoryBusWidth, p.memoryBusWidth},
      {cudaDevAttrL2CacheSize, p.l2CacheSize},
      {cudaDevAttrMaxPersistingL2CacheSize, p.persistingL2CacheMaxSize},
      {cudaDevAttrMaxAccessPolicyWindowSize, p.accessPolicyMaxWindowSize},
      {cudaDevAttrMaxThreadsPerMultiProcessor, p.maxThreadsPerMultiProcessor},
      {cudaDevAttrMaxBlocksPerMultiprocessor, p.maxBlocksPerMultiProcessor},
      {cudaDevAttrComputeCapabilityMajor, p.major},
      {cudaDevAttrComputeCapabilityMinor, p.minor},
      {cudaDevAttrSingleToDoublePrecisionPerfRatio, chip().f32_for_f64},
  };
  for (const auto& a : attributes)
    if (a.name == wanted) return a.value;
  return 0;
}

}  // namespace ptxi

using namespace ptxi;

extern "C" {

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int d) {
  API_WITHOUT_STATE();
  if (!p) return set_error(cudaErrorInvalidValue);
  if (d) return set_error(cudaErrorInvalidDevice);
  device_prop(*p);
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* v, cudaDeviceAttr a, int d) {
  API_WITHOUT_STATE();
  if (!v || (unsigned)a - 1 >= cudaDevAttrMax - 1) return set_error(cudaErrorInvalidValue);
  if (d) return set_error(cudaErrorInvalidDevice);
  *v = attribute(a);
  return cudaSuccess;
}

}  // extern "C"
