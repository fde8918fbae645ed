// The device: which there is, limits, reset, profiler.

#include <cstdio>
#include <cstdlib>

#include "cudart/runtime.h"
#include "cudart/work.h"
#include "memory.h"

using namespace ptxi;

// Whether CUDA_VISIBLE_DEVICES leaves device 0: its list ends at the first that does not exist.
static bool visible() {
  const char* list = getenv("CUDA_VISIBLE_DEVICES");
  return !list || (list[0] == '0' && (!list[1] || list[1] == ','));
}

extern "C" {

cudaError_t cudaGetDeviceCount(int* n) {
  API_WITHOUT_STATE();
  if (!n) return set_error(cudaErrorInvalidValue);
  *n = visible() ? 1 : 0;
  return visible() ? cudaSuccess : set_error(cudaErrorNoDevice);
}
cudaError_t cudaGetDevice(int* d) {
  API_WITHOUT_STATE();
  if (!d) return set_error(cudaErrorInvalidValue);
  *d = 0;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int d) {
  API_WITHOUT_STATE();
  if (!visible()) return set_error(cudaErrorNoDevice);
  return d ? set_error(cudaErrorInvalidDevice) : cudaSuccess;
}
cudaError_t cudaSetDeviceFlags(unsigned flags) {
  API_WITHOUT_STATE();
  const unsigned schedule = flags & cudaDeviceScheduleMask;
  const unsigned known =
      cudaDeviceScheduleMask | cudaDeviceMapHost | cudaDeviceLmemResizeToMax | cudaDeviceSyncMemops;
  const bool valid = !(flags & ~known) && !(schedule & (schedule - 1));  // one way to wait at most
  return valid ? cudaSuccess : set_error(cudaErrorInvalidValue);
}
cudaError_t cudaInitDevice(int d, unsigned device_flags, unsigned flags) {
  API_WITHOUT_STATE();
  if (flags & ~cudaInitDeviceFlagsAreValid) return set_error(cudaErrorInvalidValue);
  if (flags)
    if (cudaError_t e = cudaSetDeviceFlags(device_flags)) return e;
  return cudaSetDevice(d);
}
cudaError_t cudaGetDeviceFlags(unsigned* f) {
  API_WITHOUT_STATE();
  if (!f) return set_error(cudaErrorInvalidValue);
  *f = 0;
  return cudaSuccess;
}
cudaError_t cudaChooseDevice(int* d, const cudaDeviceProp*) {
  API_WITHOUT_STATE();
  if (!d) return set_error(cudaErrorInvalidValue);
  *d = 0;
  return cudaSuccess;
}
cudaError_t cudaDeviceCanAccessPeer(int* c, int from, int to) {
  API_WITHOUT_STATE();
  if (!c) return set_error(cudaErrorInvalidValue);
  if (from || to) return set_error(cudaErrorInvalidDevice);
  *c = 0;
  return cudaSuccess;
}
cudaError_t cudaDeviceSetCacheConfig(cudaFuncCache) {
  API_WITHOUT_STATE();
  return cudaSuccess;
}
cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  API_WITHOUT_STATE();
  if (least) *least = 0;
  if (greatest) *greatest = -5;
  return cudaSuccess;
}
static size_t g_limits[cudaLimitPersistingL2CacheSize + 1] = {1024, 1 << 20, 8 << 20, 2, 2048, 64, 0};
cudaError_t cudaDeviceSetLimit(cudaLimit l, size_t v) {
  API_AFTER_FAULT();
  if ((unsigned)l >= sizeof g_limits / sizeof *g_limits) return set_error(cudaErrorUnsupportedLimit);
  g_limits[l] = v;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetLimit(size_t* v, cudaLimit l) {
  API_AFTER_FAULT();
  if (!v) return set_error(cudaErrorInvalidValue);
  if ((unsigned)l >= sizeof g_limits / sizeof *g_limits) return set_error(cudaErrorUnsupportedLimit);
  *v = g_limits[l];
  return cudaSuccess;
}
cudaError_t cudaDeviceGetPCIBusId(char* s, int n, int d) {
  API_WITHOUT_STATE();
  if (!s || n < 1) return set_error(cudaErrorInvalidValue);
  if (d) return set_error(cudaErrorInvalidDevice);
  snprintf(s, (size_t)n, "0000:00:00.0");
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* v) {
  API_WITHOUT_STATE();
  if (!v) return set_error(cudaErrorInvalidValue);
  *v = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* v) {
  API_WITHOUT_STATE();
  if (!v) return set_error(cudaErrorInvalidValue);
  *v = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaDeviceReset() {
  API_AFTER_FAULT();
  streams_reset();
  events_reset();
  graphs_reset();
  pools_reset();
  mem_free_all();
  modules_reset();
  g_sticky = cudaSuccess;
  cudaGetLastError();
  return cudaSuccess;
}
cudaError_t cudaProfilerStart() {
  API_AFTER_FAULT();
  run_everything();  // what was queued outside does not belong to the range
  g_profiled = true;
  ++g_profiler_starts;
  return cudaSuccess;
}
cudaError_t cudaProfilerStop() {
  API_AFTER_FAULT();
  run_everything();
  g_profiled = false;
  return cudaSuccess;
}

}  // extern "C"
