// Allocation, and what a pointer points to.

#include "memory.h"

#include <cstring>

#include "arena.h"
#include "cudart/pools.h"
#include "cudart/runtime.h"
#include "cudart/work.h"
#include "options.h"
#include "report.h"

namespace ptxi {

cudaError_t alloc_device(void** p, size_t n, bool async, Pool* pool) {
  if (!p) return cudaErrorInvalidValue;
  *p = nullptr;
  if (!n) return cudaSuccess;
  Alloc* a = mem_alloc(n, A_DEVICE);
  if (!a) return cudaErrorMemoryAllocation;
  a->async = async;
  *p = (void*)a->base;
  if (pool) pool_take(pool, a->base, (n + 511) / 512 * 512);
  return cudaSuccess;
}
static cudaError_t refuse_free(const void* p, const char* because = "") {
  report_error(text(current_call()) + " of " + because + mem_describe((u64)p));
  return cudaErrorInvalidValue;
}
cudaError_t check_free(const void* p) {
  const Alloc* a = mem_find((u64)p);
  if (!a || a->base != (u64)p || (a->kind != A_DEVICE && a->kind != A_MANAGED)) return refuse_free(p);
  return a->freeing ? refuse_free(p, "memory that a stream frees: ") : cudaSuccess;
}
void free_device(void* p, const std::string& by) {
  mem_free((u64)p, A_DEVICE, by);
  pool_return((u64)p);
}

// Memory of a pool is freed at once. For that of cudaMalloc the function may wait for the device first: with
// PTXI_STREAMS=late it does, with latest it does not.
static cudaError_t free_late(void* p) {
  if (!mem_find((u64)p)->async && !options().latest_streams)
    if (cudaError_t e = wait_for_everything()) return e;
  forget_uses(p);
  free_device(p, text(current_call()));
  return cudaSuccess;
}

bool on_device(const void* p, size_t n) {
  Alloc* a = mem_find((u64)p);
  return a && (u64)p + n <= a->base + a->size;
}

const Alloc* managed_at(const void* p) {
  const Alloc* a = mem_find((u64)p);
  return a && (a->kind == A_MANAGED || a->managed_variable) ? a : nullptr;
}

static bool on_managed(const void* p, size_t n) {
  const Alloc* a = managed_at(p);
  return a && n && n <= a->base + a->size - (u64)p;
}

cudaError_t check_location(cudaMemLocation l) {
  if (l.type == cudaMemLocationTypeDevice) return l.id ? cudaErrorInvalidDevice : cudaSuccess;
  return l.type >= cudaMemLocationTypeHost && l.type <= cudaMemLocationTypeHostNumaCurrent
             ? cudaSuccess
             : cudaErrorInvalidValue;
}

}  // namespace ptxi

using namespace ptxi;

extern "C" {

cudaError_t cudaMalloc(void** p, size_t n) {
  API();
  if (cudaError_t e = unsafe_call()) return set_error(e);
  return set_error(alloc_device(p, n, false, nullptr));
}
cudaError_t cudaFree(void* p) {
  API();
  if (!p) return cudaSuccess;
  if (cudaError_t e = unsafe_call()) return set_error(e);
  if (cudaError_t e = check_free(p)) return set_error(e);
  if (const auto memory = graph_memory(p)) {
    memory->freed = true;
    return cudaSuccess;
  }
  if (options().late_streams) return free_late(p);
  free_device(p);
  return cudaSuccess;
}
cudaError_t cudaMallocPitch(void** p, size_t* pitch, size_t w, size_t h) {
  if (!pitch) return set_error(cudaErrorInvalidValue);
  *pitch = (w + 511) / 512 * 512;
  size_t n;
  if (*pitch < w || __builtin_mul_overflow(*pitch, h, &n)) n = SIZE_MAX;
  return cudaMalloc(p, n);
}
static cudaError_t host_alloc(void** p, size_t n, AllocKind kind, bool valid = true) {
  API();
  if (!p || !valid) return set_error(cudaErrorInvalidValue);
  *p = nullptr;
  if (cudaError_t e = unsafe_call()) return set_error(e);
  if (!n) return cudaSuccess;
  Alloc* a = mem_alloc(n, kind);
  if (!a) return set_error(cudaErrorMemoryAllocation);
  *p = (void*)a->base;
  return cudaSuccess;
}
cudaError_t cudaMallocManaged(void** p, size_t n, unsigned flags) {
  return host_alloc(p, n, A_MANAGED, n && (flags == cudaMemAttachGlobal || flags == cudaMemAttachHost));
}
cudaError_t cudaMallocHost(void** p, size_t n) {
  return host_alloc(p, n, A_PINNED);
}
cudaError_t cudaHostAlloc(void** p, size_t n, unsigned flags) {
  API();
  const cudaError_t e = host_alloc(p, n, A_PINNED, flags < 8);
  if (!e && *p) mem_find((u64)*p)->flags = flags;
  return e;
}
cudaError_t cudaFreeHost(void* p) {
  API();
  if (!p) return cudaSuccess;
  if (cudaError_t e = unsafe_call()) return set_error(e);
  Alloc* a = mem_find((u64)p);
  if (!a || a->base != (u64)p || a->kind != A_PINNED) return set_error(refuse_free(p));
  if (!options().late_streams) {
    mem_free(a->base, A_PINNED);
    return cudaSuccess;
  }
  host_memory_freed(a->base, a->size);
  mem_free(a->base, A_PINNED, text(current_call()));
  return cudaSuccess;
}
cudaError_t cudaHostRegister(void* p, size_t n, unsigned flags) {
  API();
  if (!p || !n || n > -(u64)p || flags > 15) return set_error(cudaErrorInvalidValue);
  if (mem_overlaps((u64)p, n)) return set_error(cudaErrorHostMemoryAlreadyRegistered);
  mem_register(p, n);
  return cudaSuccess;
}
cudaError_t cudaHostUnregister(void* p) {
  API();
  if (!p) return set_error(cudaErrorInvalidValue);
  Alloc* a = mem_find((u64)p);
  if (a && a->base == (u64)p && a->kind == A_REGISTERED) host_memory_freed(a->base, a->size);
  return mem_unregister(p) ? cudaSuccess : set_error(cudaErrorHostMemoryNotRegistered);
}
cudaError_t cudaHostGetDevicePointer(void** d, void* h, unsigned flags) {
  API();
  if (!d || flags) return set_error(cudaErrorInvalidValue);
  Alloc* a = mem_find((u64)h);
  if (!a || a->kind == A_DEVICE) return set_error(cudaErrorInvalidValue);
  *d = h;
  return cudaSuccess;
}
cudaError_t cudaHostGetFlags(unsigned* f, void* h) {
  API();
  if (!f) return set_error(cudaErrorInvalidValue);
  Alloc* a = mem_find((u64)h);
  if (!a || a->kind != A_PINNED) return set_error(cudaErrorInvalidValue);
  *f = a->flags | cudaHostAllocMapped;
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(size_t* f, size_t* t) {
  API();
  if (!f || !t) return set_error(cudaErrorInvalidValue);
  *t = options().mem_bytes;
  *f = options().mem_bytes - mem_used();
  return cudaSuccess;
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* at, const void* p) {
  API();
  if (!at || !p) return set_error(cudaErrorInvalidValue);
  memset(at, 0, sizeof *at);
  Alloc* a = mem_find((u64)p);
  at->device = a ? 0 : -1;
  if (!a) {
    at->type = cudaMemoryTypeUnregistered;
  } else if (a->kind == A_DEVICE || a->kind == A_SYMBOL) {
    at->type = cudaMemoryTypeDevice;
    at->devicePointer = (void*)p;
  } else {
    at->type = a->kind == A_MANAGED ? cudaMemoryTypeManaged : cudaMemoryTypeHost;
    at->devicePointer = at->hostPointer = (void*)p;
  }
  return cudaSuccess;
}
cudaError_t cudaMemPrefetchAsync(const void* p, size_t n, cudaMemLocation to, unsigned flags,
                                 cudaStream_t s) {
  API();
  if (!stream_of(s)) return set_error(cudaErrorInvalidResourceHandle);
  if (flags || !on_managed(p, n)) return set_error(cudaErrorInvalidValue);
  return set_error(check_location(to));
}
cudaError_t cudaMemAdvise(const void* p, size_t n, cudaMemoryAdvise advice, cudaMemLocation l) {
  API();
  if (!on_managed(p, n)) return set_error(cudaErrorInvalidValue);
  switch (advice) {
    case cudaMemAdviseSetReadMostly:
    case cudaMemAdviseUnsetReadMostly:
    case cudaMemAdviseUnsetPreferredLocation:
      return cudaSuccess;
    case cudaMemAdviseSetPreferredLocation:
    case cudaMemAdviseSetAccessedBy:
    case cudaMemAdviseUnsetAccessedBy:
      return set_error(check_location(l));
    default:
      return set_error(cudaErrorInvalidValue);
  }
}

}  // extern "C"
