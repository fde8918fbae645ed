// Attributes of kernels, and occupancy (the calculator is NVIDIA's own, cuda_occupancy.h).

#include <algorithm>
#include <cstring>
#include <cuda_occupancy.h>
#include <fstream>
#include <sstream>

#include "cudart/chip.h"
#include "cudart/modules.h"
#include "cudart/runtime.h"
#include "options.h"

namespace ptxi {

using std::string;

size_t optin_limit() {
  return (size_t)(chip().shared - chip().reserved);
}

static int registers_of(const Kernel& k) {
  static const auto& table = *[] {
    auto* t = new std::map<string, int>;
    std::ifstream f(options().regs);
    for (string line; std::getline(f, line);) {
      std::istringstream is(line);
      string n;
      int r;
      if (is >> n >> r) (*t)[n] = r;
    }
    return t;
  }();
  auto i = table.find(k.name);
  if (i != table.end()) return i->second;
  // Unknown: 128, or less if the launch bounds force it.
  int regs = 128;
  const int* bound = k.reqntid[0] ? k.reqntid : k.maxntid;
  if (bound[0]) {
    int threads = (bound[0] * bound[1] * bound[2] + 31) / 32 * 32;
    int fit = 65536 / std::max(1, threads * std::max(1, k.minctas)) / 8 * 8;
    regs = std::max(16, std::min(regs, fit));
  } else {
    regs = 64;  // no bounds: the compiler must allow 1024 threads
  }
  return regs;
}

int max_threads(const Kernel& k) {
  int n = std::min(1024, 65536 / registers_of(k) / 32 * 32);
  const int* b = k.reqntid[0] ? k.reqntid : k.maxntid;
  if (b[0]) n = std::min(n, b[0] * b[1] * b[2]);
  return n;
}

int occupancy(const Kernel& k, int threads, size_t smem) {
  cudaDeviceProp p;
  device_prop(p);
  cudaOccDeviceProp dp(p);
  cudaOccFuncAttributes a;
  a.maxThreadsPerBlock = max_threads(k);
  a.numRegs = registers_of(k);
  a.sharedSizeBytes = k.shared_static;
  a.partitionedGCConfig = PARTITIONED_GC_OFF;
  a.shmemLimitConfig = FUNC_SHMEM_LIMIT_OPTIN;
  a.maxDynamicSharedSizeBytes = optin_limit();
  a.numBlockBarriers = 1;
  cudaOccDeviceState st;
  cudaOccResult r;
  cudaOccError e = cudaOccMaxActiveBlocksPerMultiprocessor(&r, &dp, &a, &st, threads, smem);
  return e == CUDA_OCC_SUCCESS ? r.activeBlocksPerMultiprocessor : 0;
}

}  // namespace ptxi

using namespace ptxi;

extern "C" {

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* a, const void* f) {
  API();
  if (!a) return set_error(cudaErrorInvalidValue);
  cudaError_t e;
  Kernel* k = kernel_of(f, e);
  if (!k) return set_error(e);
  memset(a, 0, sizeof *a);
  const FuncState& s = funcs()[f];
  a->sharedSizeBytes = k->shared_static;
  a->localSizeBytes = k->local_bytes;
  a->maxThreadsPerBlock = max_threads(*k);
  a->numRegs = registers_of(*k);
  a->ptxVersion = a->binaryVersion = options().cc;
  a->maxDynamicSharedSizeBytes = s.opted_in ? s.max_dynamic : (int)((48 << 10) - k->shared_static);
  a->preferredShmemCarveout = s.carveout;
  return cudaSuccess;
}
cudaError_t cudaFuncSetAttribute(const void* f, cudaFuncAttribute a, int v) {
  API();
  if ((unsigned)a >= cudaFuncAttributeMax) return set_error(cudaErrorInvalidValue);
  cudaError_t e;
  Kernel* k = kernel_of(f, e);
  if (!k) return set_error(e);
  FuncState& s = funcs()[f];
  if (a == cudaFuncAttributeMaxDynamicSharedMemorySize) {
    if (v < 0 || (u64)v + k->shared_static > optin_limit()) return set_error(cudaErrorInvalidValue);
    s.max_dynamic = v;
    s.opted_in = true;
  } else if (a == cudaFuncAttributePreferredSharedMemoryCarveout) {
    if (v < -1 || v > 100) return set_error(cudaErrorInvalidValue);
    s.carveout = v;
  }
  return cudaSuccess;
}
cudaError_t cudaFuncSetCacheConfig(const void*, cudaFuncCache) {
  API_WITHOUT_STATE();
  return cudaSuccess;
}
cudaError_t cudaFuncGetName(const char** n, const void* f) {
  API();
  if (!n) return set_error(cudaErrorInvalidValue);
  cudaError_t e;
  Kernel* k = kernel_of(f, e);
  if (!k) return set_error(e);
  *n = k->name.c_str();
  return cudaSuccess;
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* n, const void* f, int threads,
                                                                   size_t smem, unsigned) {
  API();
  cudaError_t e;
  Kernel* k = kernel_of(f, e);
  if (!k) return set_error(e);
  if (!n || threads <= 0) return set_error(cudaErrorInvalidValue);
  *n = occupancy(*k, threads, smem);
  return cudaSuccess;
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* n, const void* f, int threads, size_t smem) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(n, f, threads, smem, 0);
}
cudaError_t cudaOccupancyAvailableDynamicSMemPerBlock(size_t* out, const void* f, int blocks, int threads) {
  API();
  if (!out) return set_error(cudaErrorInvalidValue);
  cudaError_t e;
  Kernel* k = kernel_of(f, e);
  if (!k) return set_error(e);
  for (size_t s = optin_limit() - std::min<size_t>(optin_limit(), k->shared_static);;
       s = s > 128 ? s - 128 : 0) {
    if (occupancy(*k, threads, s) >= blocks || s == 0) {
      *out = s;
      return cudaSuccess;
    }
  }
}

}  // extern "C"
