// CUDA runtime: registration of modules, launches, function attributes, occupancy, device queries.
#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cuda_occupancy.h>
#include <fatbinary_section.h>
#include <fstream>
#include <sstream>

#include "cudart.h"

namespace ptxi {

using std::string;

std::recursive_mutex g_api;
cudaError_t g_sticky = cudaSuccess;
static thread_local cudaError_t t_last = cudaSuccess;

cudaError_t set_error(cudaError_t e) {
  if (e) t_last = e;
  return e;
}

namespace {

struct FatBinary {
  std::unique_ptr<Module> m;
  string error;
};
struct FuncState {
  FatBinary* fb = nullptr;
  string name;
  int max_dynamic = 48 << 10;  // without an opt-in
  bool opted_in = false;
  int carveout = -1;
};
struct VarState {
  FatBinary* fb = nullptr;
  string name;
  size_t size = 0;
};

// Never destroyed: programs unregister and free things from static destructors.
std::map<const void*, FuncState>& funcs() {
  static auto* m = new std::map<const void*, FuncState>;
  return *m;
}
std::map<const void*, VarState>& vars() {
  static auto* m = new std::map<const void*, VarState>;
  return *m;
}
std::vector<FatBinary*>& binaries() {
  static auto* v = new std::vector<FatBinary*>;
  return *v;
}

size_t optin_limit() {
  return opt().cc >= 90 ? 232448 : opt().cc >= 80 ? 166912 : 65536;
}

int registers_of(const Kernel& k) {
  static const std::map<string, int> table = [] {
    std::map<string, int> t;
    std::ifstream f(opt().regs);
    for (string line; std::getline(f, line);) {
      std::istringstream is(line);
      string n;
      int r;
      if (is >> n >> r) t[n] = r;
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

}  // namespace

Kernel* kernel_of(const void* func, cudaError_t& e) {
  auto i = funcs().find(func);
  if (i == funcs().end()) {
    e = cudaErrorInvalidDeviceFunction;
    return nullptr;
  }
  if (!i->second.fb->m) {
    e = i->second.fb->error.empty() ? cudaErrorNoKernelImageForDevice : cudaErrorInvalidPtx;
    return nullptr;
  }
  try {
    Kernel* k = find_kernel(*i->second.fb->m, i->second.name);
    e = k ? cudaSuccess : cudaErrorInvalidDeviceFunction;
    return k;
  } catch (Fault& f) {
    report_error(f.what());
    e = (cudaError_t)f.code;
    return nullptr;
  }
}

cudaError_t make_call(KernelCall& c, const void* func, dim3 g, dim3 b, void** args, size_t smem, bool coop) {
  cudaError_t e;
  Kernel* k = kernel_of(func, e);
  if (!k) return e;
  auto complain = [&](cudaError_t code, const string& what) {
    fprintf(stderr, "[ptxi] launch refused: %s | kernel %s\n", what.c_str(), k->pretty.c_str());
    return code;
  };
  const u64 nt = (u64)b.x * b.y * b.z;
  if (!g.x || !g.y || !g.z || !nt)
    return complain(cudaErrorInvalidConfiguration, "a grid or block dimension is 0");
  if (g.x > 2147483647u || g.y > 65535 || g.z > 65535)
    return complain(cudaErrorInvalidConfiguration, "grid too large");
  if (b.x > 1024 || b.y > 1024 || b.z > 64 || nt > 1024)
    return complain(cudaErrorInvalidConfiguration, std::to_string(nt) + " threads per block");
  FuncState& f = funcs()[func];
  const u64 total = smem + k->shared_static;
  const u64 limit = f.opted_in ? k->shared_static + (u64)f.max_dynamic : 48 << 10;
  if (total > std::max<u64>(limit, 48 << 10))
    return complain(cudaErrorInvalidValue,
                    std::to_string(total) + " bytes of shared memory, " +
                        (f.opted_in ? "more than the kernel was set to by cudaFuncSetAttribute"
                                    : "more than 48 KiB without cudaFuncSetAttribute"));
  const int* r = k->reqntid;
  if (r[0] && (b.x != (unsigned)r[0] || b.y != (unsigned)r[1] || b.z != (unsigned)r[2]))
    return complain(cudaErrorInvalidValue, "block shape differs from the kernel's required one");
  if (nt > (u64)max_threads(*k))
    return complain(cudaErrorLaunchOutOfResources,
                    std::to_string(nt) + " threads per block, but the kernel allows only " +
                        std::to_string(max_threads(*k)) + " (launch bounds, or registers)");
  c.k = k;
  c.func = func;
  c.d = {{g.x, g.y, g.z}, {b.x, b.y, b.z}, smem, coop};
  c.params.assign(k->param_bytes + 16, 0);
  for (size_t i = 0; i < k->param_off.size(); i++) {
    if (!args || !args[i]) return cudaErrorInvalidValue;
    memcpy(c.params.data() + k->param_off[i], args[i], k->param_size[i]);
  }
  return cudaSuccess;
}

// A fault is reported at once on stderr; to the program it shows up, as on a device, in the calls
// that follow the launch.
cudaError_t run_call(const KernelCall& c) {
  try {
    launch(*c.k, c.d, c.params.data());
  } catch (Fault& f) {
    report_error(f.what());
    if (opt().abort_on_error) abort();
    g_sticky = (cudaError_t)f.code;
    t_last = g_sticky;
  }
  return cudaSuccess;
}

void* symbol_address(const void* symbol, size_t* size) {
  auto i = vars().find(symbol);
  if (i == vars().end() || !i->second.fb->m) return nullptr;
  auto& g = i->second.fb->m->globals;
  auto v = g.find(i->second.name);
  if (v == g.end()) return nullptr;
  if (size) *size = v->second.size;
  return (void*)v->second.addr;
}

void modules_reset() {
  for (FatBinary* b : binaries())
    if (b->m)
      for (auto& g : b->m->globals) {
        Alloc* a = mem_find(g.second.addr);
        if (a) memcpy(a->store, g.second.init.data(), g.second.init.size());
      }
  for (auto& f : funcs()) {
    f.second.max_dynamic = 48 << 10;
    f.second.opted_in = false;
  }
}

// ---------------------------------------------------------------------------------------------
// Device properties
// ---------------------------------------------------------------------------------------------
void device_prop(cudaDeviceProp& p) {
  memset(&p, 0, sizeof p);
  const int cc = opt().cc;
  const char* like = cc >= 90 ? "H100" : cc >= 80 ? "A100" : "T4";
  snprintf(p.name, sizeof p.name, "ptxi PTX interpreter (%s-like)", like);
  p.major = cc / 10;
  p.minor = cc % 10;
  p.totalGlobalMem = opt().mem_bytes;
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

static cudaOccError occupancy(int* blocks, const Kernel& k, int threads, size_t smem) {
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
  *blocks = e == CUDA_OCC_SUCCESS ? r.activeBlocksPerMultiprocessor : 0;
  return e;
}

}  // namespace ptxi

using namespace ptxi;

extern "C" {

// ---- registration --------------------------------------------------------------------------
void** __cudaRegisterFatBinary(void* w) {
  LOCK();
  auto* wrapper = (__fatBinC_Wrapper_t*)w;
  auto* b = new FatBinary;
  try {
    std::string t = fatbin_ptx(wrapper->data, opt().cc);
    if (!t.empty())
      b->m = load_module(t);
    else
      fprintf(stderr, "[ptxi] a module has no PTX for compute_%d or below\n", opt().cc);
  } catch (Fault& f) {
    b->error = f.what();
    report_error(std::string("in a module: ") + f.what());
  }
  binaries().push_back(b);
  return (void**)b;
}
void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void**) {}
char __cudaInitModule(void**) {
  return 1;
}
void __cudaRegisterFunction(void** h, const char* host, char*, const char* name, int, uint3*, uint3*, dim3*,
                            dim3*, int*) {
  LOCK();
  FuncState f;
  f.fb = (FatBinary*)h;
  f.name = name;
  funcs()[host] = f;
}
void __cudaRegisterVar(void** h, char* host, char*, const char* name, int, size_t size, int, int) {
  LOCK();
  vars()[host] = {(FatBinary*)h, name, size};
}

// The host sees the bytes of a managed variable where they are stored.
void __cudaRegisterManagedVar(void** h, void** host, char*, const char* name, int, size_t size, int, int) {
  LOCK();
  vars()[host] = {(FatBinary*)h, name, size};
  Alloc* a = mem_find((u64)symbol_address(host, nullptr));
  if (!a) return;
  *host = a->store;
  if (a->store != (u8*)a->base) mem_register(a->store, a->size);
}

// ---- launches ------------------------------------------------------------------------------
struct Config {
  dim3 g, b;
  size_t s;
  cudaStream_t st;
};
static thread_local std::vector<Config> t_config;
unsigned __cudaPushCallConfiguration(dim3 g, dim3 b, size_t s, cudaStream_t st) {
  t_config.push_back({g, b, s, st});
  return 0;
}
cudaError_t __cudaPopCallConfiguration(dim3* g, dim3* b, size_t* s, void* st) {
  if (t_config.empty()) return set_error(cudaErrorMissingConfiguration);
  Config c = t_config.back();
  t_config.pop_back();
  *g = c.g;
  *b = c.b;
  *s = c.s;
  *(cudaStream_t*)st = c.st;
  return cudaSuccess;
}
static cudaError_t launch_kernel(const void* f, dim3 g, dim3 b, void** a, size_t s, cudaStream_t st,
                                 bool coop) {
  API();
  Node n;
  n.kind = N_KERNEL;
  cudaError_t e = make_call(n.call, f, g, b, a, s, coop);
  if (e) return set_error(e);
  if (coop) {
    int per_sm = 0;
    cudaDeviceProp p;
    device_prop(p);
    occupancy(&per_sm, *n.call.k, (int)(b.x * b.y * b.z), s);
    if ((u64)g.x * g.y * g.z > (u64)per_sm * p.multiProcessorCount)
      return set_error(cudaErrorCooperativeLaunchTooLarge);
  }
  return submit(st, n);
}
cudaError_t cudaLaunchKernel(const void* f, dim3 g, dim3 b, void** a, size_t s, cudaStream_t st) {
  return launch_kernel(f, g, b, a, s, st, false);
}
cudaError_t cudaLaunchCooperativeKernel(const void* f, dim3 g, dim3 b, void** a, size_t s, cudaStream_t st) {
  return launch_kernel(f, g, b, a, s, st, true);
}
cudaError_t __cudaLaunchKernel(cudaKernel_t k, dim3 g, dim3 b, void** a, size_t s, cudaStream_t st) {
  return launch_kernel(k, g, b, a, s, st, false);
}
cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* c, const void* f, void** a) {
  if (!c) return set_error(cudaErrorInvalidValue);
  bool coop = false;
  for (unsigned i = 0; i < c->numAttrs; i++) {
    const cudaLaunchAttribute& at = c->attrs[i];
    if (at.id == cudaLaunchAttributeCooperative) coop = at.val.cooperative != 0;
    if (at.id == cudaLaunchAttributeClusterDimension &&
        (at.val.clusterDim.x > 1 || at.val.clusterDim.y > 1 || at.val.clusterDim.z > 1)) {
      fprintf(stderr, "[ptxi] thread block clusters are not supported\n");
      return set_error(cudaErrorNotSupported);
    }
  }
  return launch_kernel(f, c->gridDim, c->blockDim, a, c->dynamicSmemBytes, c->stream, coop);
}
cudaError_t __cudaGetKernel(cudaKernel_t* k, const void* f) {
  *k = (cudaKernel_t)f;
  return cudaSuccess;
}
cudaError_t cudaGetKernel(cudaKernel_t* k, const void* f) {
  *k = (cudaKernel_t)f;
  return cudaSuccess;
}

// ---- function attributes and occupancy --------------------------------------------------------
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
  a->ptxVersion = a->binaryVersion = opt().cc;
  a->maxDynamicSharedSizeBytes = s.opted_in ? s.max_dynamic : (int)((48 << 10) - k->shared_static);
  a->preferredShmemCarveout = s.carveout;
  return cudaSuccess;
}
cudaError_t cudaFuncSetAttribute(const void* f, cudaFuncAttribute a, int v) {
  API();
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
  return cudaSuccess;
}
cudaError_t cudaFuncGetName(const char** n, const void* f) {
  API();
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
  occupancy(n, *k, threads, smem);
  return cudaSuccess;
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* n, const void* f, int threads, size_t smem) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(n, f, threads, smem, 0);
}
cudaError_t cudaOccupancyAvailableDynamicSMemPerBlock(size_t* out, const void* f, int blocks, int threads) {
  API();
  cudaError_t e;
  Kernel* k = kernel_of(f, e);
  if (!k) return set_error(e);
  for (size_t s = optin_limit() - std::min<size_t>(optin_limit(), k->shared_static);;
       s = s > 128 ? s - 128 : 0) {
    int n;
    occupancy(&n, *k, threads, s);
    if (n >= blocks || s == 0) {
      *out = s;
      return cudaSuccess;
    }
  }
}

// ---- device --------------------------------------------------------------------------------
cudaError_t cudaGetDeviceCount(int* n) {
  *n = 1;
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* d) {
  *d = 0;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int d) {
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
  const int cc = opt().cc;
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
  t_last = cudaSuccess;
  streams_reset();
  mem_free_all();
  modules_reset();
  return cudaSuccess;
}
cudaError_t cudaProfilerStart() {
  return cudaSuccess;
}
cudaError_t cudaProfilerStop() {
  return cudaSuccess;
}

// ---- errors --------------------------------------------------------------------------------
cudaError_t cudaGetLastError() {
  LOCK();
  if (g_sticky) return g_sticky;  // a fault is not cleared
  cudaError_t e = t_last;
  t_last = cudaSuccess;
  return e;
}
cudaError_t cudaPeekAtLastError() {
  LOCK();
  return g_sticky ? g_sticky : t_last;
}

static const struct {
  cudaError_t e;
  const char *name, *text;
} kErrors[] = {
#define X(n, t) {n, #n, t},
#include "cudart_errors.inc"
#undef X
};
const char* cudaGetErrorName(cudaError_t e) {
  for (auto& x : kErrors)
    if (x.e == e) return x.name;
  return "unrecognized error code";
}
const char* cudaGetErrorString(cudaError_t e) {
  for (auto& x : kErrors)
    if (x.e == e) return x.text;
  return "unrecognized error code";
}
}
