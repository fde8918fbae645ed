// CUDA runtime: memory allocation, pools, copies, symbols.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cudart.h"

namespace ptxi {

namespace {

// A stream-ordered memory pool: only its accounting. The memory itself comes from the arena.
constexpr u64 kChunk = 32 << 20;
struct Pool {
  u64 used = 0, reserved = 0, used_high = 0, reserved_high = 0, threshold = 0;
  int reuse[3] = {1, 1, 1};
  void grow(u64 n) {
    used += n;
    used_high = std::max(used_high, used);
    reserved = std::max(reserved, (used + kChunk - 1) / kChunk * kChunk);
    reserved_high = std::max(reserved_high, reserved);
  }
  void trim(u64 keep) {
    reserved = std::max((used + kChunk - 1) / kChunk * kChunk, std::min(reserved, keep));
  }
};
Pool g_default_pool;
std::set<Pool*> g_pools = {&g_default_pool};
Pool* g_current_pool = &g_default_pool;
std::map<u64, std::pair<Pool*, u64>> g_pool_allocs;

Pool* pool_of(cudaMemPool_t p) {
  return g_pools.count((Pool*)p) ? (Pool*)p : nullptr;
}

// The bytes behind an address: those of an allocation, or the address itself for host memory.
// Null if the range runs over the end of an allocation or is not known to be host memory.
u8* bytes_at(const void* p, size_t n, bool must_be_device, bool write, const char* what) {
  Alloc* a = mem_find((u64)p);
  if (a) {
    if ((u64)p + n > a->base + a->size) {
      report_error(std::string(what) + ": " + std::to_string(n) + " bytes at " + mem_describe((u64)p) +
                   " run over its end");
      return nullptr;
    }
    if (write) mem_mark_init(a, (u64)p - a->base, n);
    return a->store + ((u64)p - a->base);
  }
  if (must_be_device) {
    report_error(std::string(what) + ": " + mem_describe((u64)p) + " is not a device address");
    return nullptr;
  }
  return (u8*)const_cast<void*>(p);
}

cudaError_t copy_rows(void* d, size_t dp, const void* s, size_t sp, size_t w, size_t h) {
  if (!w || !h) return cudaSuccess;
  Alloc *da = mem_find((u64)d), *sa = mem_find((u64)s);
  // An address inside the arena but in no allocation is an error, not a host pointer.
  const size_t dn = (h - 1) * dp + w, sn = (h - 1) * sp + w;
  u8* db = bytes_at(d, dn, false, false, "memcpy destination");
  const u8* sb = bytes_at(s, sn, false, false, "memcpy source");
  if (!db || !sb) return cudaErrorInvalidValue;
  for (size_t i = 0; i < h; i++) {
    memmove(db + i * dp, sb + i * sp, w);
    if (da && da->init) {
      u64 o = (u64)d + i * dp - da->base;
      if (sa && sa->init)
        memmove(da->init + o, sa->init + ((u64)s + i * sp - sa->base), w);
      else
        memset(da->init + o, 1, w);
    }
  }
  return cudaSuccess;
}

// Check the direction against what the pointers are.
cudaError_t check_kind(const void* d, const void* s, size_t n, cudaMemcpyKind k) {
  if ((unsigned)k > cudaMemcpyDefault) return cudaErrorInvalidMemcpyDirection;
  if (!n) return cudaSuccess;
  if (!d || !s) return cudaErrorInvalidValue;
  if (k == cudaMemcpyDefault) return cudaSuccess;
  bool ddev = k == cudaMemcpyHostToDevice || k == cudaMemcpyDeviceToDevice;
  bool sdev = k == cudaMemcpyDeviceToHost || k == cudaMemcpyDeviceToDevice;
  auto bad = [&](const void* p, bool dev, const char* which) {
    Alloc* a = mem_find((u64)p);
    if (dev && a) return false;
    if (!dev && (!a || a->kind != A_DEVICE)) return false;
    report_error(std::string("memcpy: the ") + which + " " + mem_describe((u64)p) + " is not " +
                 (dev ? "device" : "host") + " memory");
    return true;
  };
  if (bad(d, ddev, "destination") || bad(s, sdev, "source")) return cudaErrorInvalidValue;
  return cudaSuccess;
}

cudaError_t alloc_device(void** p, size_t n, bool async, Pool* pool) {
  if (!p) return cudaErrorInvalidValue;
  *p = nullptr;
  if (!n) return cudaSuccess;
  Alloc* a = mem_alloc(n, A_DEVICE);
  if (!a) return cudaErrorMemoryAllocation;
  a->async = async;
  *p = (void*)a->base;
  if (pool) {
    pool->grow((n + 511) / 512 * 512);
    g_pool_allocs[a->base] = {pool, (n + 511) / 512 * 512};
  }
  return cudaSuccess;
}
cudaError_t free_device(void* p) {
  auto i = g_pool_allocs.find((u64)p);
  if (!mem_free((u64)p, A_DEVICE)) {
    report_error("cudaFree of " + mem_describe((u64)p));
    return cudaErrorInvalidValue;
  }
  if (i != g_pool_allocs.end()) {
    i->second.first->used -= i->second.second;
    g_pool_allocs.erase(i);
  }
  return cudaSuccess;
}

Node copy_node(void* d, size_t dp, const void* s, size_t sp, size_t w, size_t h) {
  Node n;
  n.kind = N_MEMCPY;
  n.dst = d;
  n.src = s;
  n.dpitch = dp;
  n.spitch = sp;
  n.width = w;
  n.height = h;
  return n;
}

cudaError_t copy(void* d, size_t dp, const void* s, size_t sp, size_t w, size_t h, cudaMemcpyKind k,
                 bool async, cudaStream_t st) {
  API();
  if (!async)
    if (cudaError_t e = legacy_call()) return set_error(e);
  if (h > 1 && (w > dp || w > sp)) return set_error(cudaErrorInvalidPitchValue);
  if (cudaError_t e = check_kind(d, s, w * h, k)) return set_error(e);
  return submit(async ? st : nullptr, copy_node(d, dp, s, sp, w, h));
}

cudaError_t fill(void* d, size_t pitch, int v, size_t w, size_t h, bool async, cudaStream_t st) {
  API();
  if (!async)
    if (cudaError_t e = legacy_call()) return set_error(e);
  if (!w || !h) return cudaSuccess;
  if (!bytes_at(d, (h - 1) * pitch + w, true, false, "memset")) return set_error(cudaErrorInvalidValue);
  Node n;
  n.kind = N_MEMSET;
  n.dst = d;
  n.dpitch = pitch;
  n.value = (unsigned)v;
  n.width = w;
  n.height = h;
  return submit(async ? st : nullptr, n);
}

}  // namespace

bool on_device(const void* p, size_t n) {
  Alloc* a = mem_find((u64)p);
  return a && (u64)p + n <= a->base + a->size;
}

void pools_on_sync() {
  for (Pool* p : g_pools) p->trim(p->threshold);
}

cudaError_t run_node(const Node& n) {
  switch (n.kind) {
    case N_KERNEL:
      return run_call(n.call);
    case N_MEMCPY:
      return copy_rows(n.dst, n.dpitch, n.src, n.spitch, n.width, n.height);
    case N_MEMSET: {
      u8* p = bytes_at(n.dst, (n.height - 1) * n.dpitch + n.width, true, false, "memset");
      if (!p) return cudaErrorInvalidValue;
      Alloc* a = mem_find((u64)n.dst);
      for (size_t i = 0; i < n.height; i++) {
        u8* row = p + i * n.dpitch;
        if (n.elem == 1)
          memset(row, (int)n.value, n.width);
        else
          for (size_t j = 0; j < n.width; j += n.elem) memcpy(row + j, &n.value, n.elem);
        mem_mark_init(a, (u64)n.dst + i * n.dpitch - a->base, n.width);
      }
      return cudaSuccess;
    }
    case N_HOST:
      n.fn(n.data);
      return cudaSuccess;
    case N_ALLOC:  // memory of a graph: its contents are undefined at every launch
      if (Alloc* a = mem_find((u64)n.dst)) {
        memset(a->store, opt().fill, a->size);
        if (a->init) memset(a->init, 0, a->size);
      }
      return cudaSuccess;
    default:
      return cudaSuccess;
  }
}

}  // namespace ptxi

using namespace ptxi;

extern "C" {

// ---- allocation ------------------------------------------------------------------------------
cudaError_t cudaMalloc(void** p, size_t n) {
  API();
  if (cudaError_t e = unsafe_call()) return set_error(e);
  return set_error(alloc_device(p, n, false, nullptr));
}
cudaError_t cudaFree(void* p) {
  API();
  if (!p) return cudaSuccess;
  if (cudaError_t e = unsafe_call()) return set_error(e);
  return set_error(free_device(p));
}
cudaError_t cudaMallocPitch(void** p, size_t* pitch, size_t w, size_t h) {
  *pitch = (w + 511) / 512 * 512;
  return cudaMalloc(p, *pitch * h);
}
static cudaError_t host_alloc(void** p, size_t n, AllocKind kind) {
  API();
  if (!p) return set_error(cudaErrorInvalidValue);
  *p = nullptr;
  if (cudaError_t e = unsafe_call()) return set_error(e);
  if (!n) return cudaSuccess;
  Alloc* a = mem_alloc(n, kind);
  if (!a) return set_error(cudaErrorMemoryAllocation);
  *p = (void*)a->base;
  return cudaSuccess;
}
cudaError_t cudaMallocManaged(void** p, size_t n, unsigned) {
  return host_alloc(p, n, A_MANAGED);
}
cudaError_t cudaMallocHost(void** p, size_t n) {
  return host_alloc(p, n, A_PINNED);
}
cudaError_t cudaHostAlloc(void** p, size_t n, unsigned) {
  return host_alloc(p, n, A_PINNED);
}
cudaError_t cudaFreeHost(void* p) {
  API();
  if (!p) return cudaSuccess;
  if (cudaError_t e = unsafe_call()) return set_error(e);
  return mem_free((u64)p, A_PINNED) ? cudaSuccess : set_error(cudaErrorInvalidValue);
}
cudaError_t cudaHostRegister(void* p, size_t n, unsigned) {
  API();
  if (!p || !n) return set_error(cudaErrorInvalidValue);
  if (mem_find((u64)p) || mem_find((u64)p + n - 1)) return set_error(cudaErrorHostMemoryAlreadyRegistered);
  mem_register(p, n);
  return cudaSuccess;
}
cudaError_t cudaHostUnregister(void* p) {
  API();
  return mem_unregister(p) ? cudaSuccess : set_error(cudaErrorHostMemoryNotRegistered);
}
cudaError_t cudaHostGetDevicePointer(void** d, void* h, unsigned) {
  API();
  Alloc* a = mem_find((u64)h);
  if (!a || a->kind == A_DEVICE) return set_error(cudaErrorInvalidValue);
  *d = h;
  return cudaSuccess;
}
cudaError_t cudaHostGetFlags(unsigned* f, void* h) {
  API();
  Alloc* a = mem_find((u64)h);
  if (!a || a->kind == A_DEVICE) return set_error(cudaErrorInvalidValue);
  *f = cudaHostAllocMapped;
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(size_t* f, size_t* t) {
  API();
  *t = opt().mem_bytes;
  *f = opt().mem_bytes - mem_used();
  return cudaSuccess;
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* at, const void* p) {
  API();
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
cudaError_t cudaMemPrefetchAsync(const void*, size_t, cudaMemLocation, unsigned, cudaStream_t) {
  return cudaSuccess;
}
cudaError_t cudaMemAdvise(const void*, size_t, cudaMemoryAdvise, cudaMemLocation) {
  return cudaSuccess;
}

// ---- stream-ordered allocation
// -------------------------------------------------------------------
static cudaError_t malloc_async(void** p, size_t n, Pool* pool, cudaStream_t s) {
  API();
  Stream* st;
  CaptureState* cap;
  if (cudaError_t e = stream_op(s, &st, &cap)) return set_error(e);
  if (cudaError_t e = alloc_device(p, n, true, cap ? nullptr : pool)) return set_error(e);
  if (cap) {
    Node nd;
    nd.kind = N_ALLOC;
    nd.dst = *p;
    record_node(st, nd);
  }
  return cudaSuccess;
}
cudaError_t cudaMallocAsync(void** p, size_t n, cudaStream_t s) {
  return malloc_async(p, n, g_current_pool, s);
}
cudaError_t cudaMallocFromPoolAsync(void** p, size_t n, cudaMemPool_t mp, cudaStream_t s) {
  Pool* pool = pool_of(mp);
  return pool ? malloc_async(p, n, pool, s) : set_error(cudaErrorInvalidValue);
}
cudaError_t cudaFreeAsync(void* p, cudaStream_t s) {
  API();
  Stream* st;
  CaptureState* cap;
  if (cudaError_t e = stream_op(s, &st, &cap)) return set_error(e);
  if (!p) return cudaSuccess;
  if (cap) {  // the memory belongs to the graph from now on
    Alloc* a = mem_find((u64)p);
    if (!a || a->base != (u64)p) return set_error(cudaErrorInvalidValue);
    Node nd;
    nd.kind = N_FREE;
    nd.dst = p;
    record_node(st, nd);
    return cudaSuccess;
  }
  return set_error(free_device(p));
}
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* p, int d) {
  if (d) return set_error(cudaErrorInvalidDevice);
  *p = (cudaMemPool_t)&g_default_pool;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetMemPool(cudaMemPool_t* p, int d) {
  if (d) return set_error(cudaErrorInvalidDevice);
  *p = (cudaMemPool_t)g_current_pool;
  return cudaSuccess;
}
cudaError_t cudaDeviceSetMemPool(int d, cudaMemPool_t p) {
  Pool* q = pool_of(p);
  if (d || !q) return set_error(cudaErrorInvalidValue);
  g_current_pool = q;
  return cudaSuccess;
}
cudaError_t cudaMemPoolCreate(cudaMemPool_t* p, const cudaMemPoolProps*) {
  LOCK();
  Pool* q = new Pool;
  g_pools.insert(q);
  *p = (cudaMemPool_t)q;
  return cudaSuccess;
}
cudaError_t cudaMemPoolDestroy(cudaMemPool_t p) {
  LOCK();
  Pool* q = pool_of(p);
  if (!q || q == &g_default_pool) return set_error(cudaErrorInvalidValue);
  if (g_current_pool == q) g_current_pool = &g_default_pool;
  g_pools.erase(q);  // its memory, if any is left, stays usable
  return cudaSuccess;
}
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t p, size_t keep) {
  API();
  Pool* q = pool_of(p);
  if (!q) return set_error(cudaErrorInvalidValue);
  q->trim((keep + kChunk - 1) / kChunk * kChunk);
  return cudaSuccess;
}
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t p, cudaMemPoolAttr a, void* v) {
  API();
  Pool* q = pool_of(p);
  if (!q || !v) return set_error(cudaErrorInvalidValue);
  switch (a) {
    case cudaMemPoolReuseFollowEventDependencies:
      q->reuse[0] = *(int*)v;
      break;
    case cudaMemPoolReuseAllowOpportunistic:
      q->reuse[1] = *(int*)v;
      break;
    case cudaMemPoolReuseAllowInternalDependencies:
      q->reuse[2] = *(int*)v;
      break;
    case cudaMemPoolAttrReleaseThreshold:
      q->threshold = *(u64*)v;
      break;
    case cudaMemPoolAttrReservedMemHigh:  // the high-water marks can only be reset
      if (*(u64*)v) return set_error(cudaErrorInvalidValue);
      q->reserved_high = q->reserved;
      break;
    case cudaMemPoolAttrUsedMemHigh:
      if (*(u64*)v) return set_error(cudaErrorInvalidValue);
      q->used_high = q->used;
      break;
    default:
      return set_error(cudaErrorInvalidValue);
  }
  return cudaSuccess;
}
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t p, cudaMemPoolAttr a, void* v) {
  API();
  Pool* q = pool_of(p);
  if (!q || !v) return set_error(cudaErrorInvalidValue);
  switch (a) {
    case cudaMemPoolReuseFollowEventDependencies:
      *(int*)v = q->reuse[0];
      break;
    case cudaMemPoolReuseAllowOpportunistic:
      *(int*)v = q->reuse[1];
      break;
    case cudaMemPoolReuseAllowInternalDependencies:
      *(int*)v = q->reuse[2];
      break;
    case cudaMemPoolAttrReleaseThreshold:
      *(u64*)v = q->threshold;
      break;
    case cudaMemPoolAttrReservedMemCurrent:
      *(u64*)v = q->reserved;
      break;
    case cudaMemPoolAttrReservedMemHigh:
      *(u64*)v = q->reserved_high;
      break;
    case cudaMemPoolAttrUsedMemCurrent:
      *(u64*)v = q->used;
      break;
    case cudaMemPoolAttrUsedMemHigh:
      *(u64*)v = q->used_high;
      break;
    default:
      return set_error(cudaErrorInvalidValue);
  }
  return cudaSuccess;
}

// ---- copies and fills ------------------------------------------------------------------------
cudaError_t cudaMemcpy(void* d, const void* s, size_t n, cudaMemcpyKind k) {
  return copy(d, n, s, n, n, 1, k, false, nullptr);
}
cudaError_t cudaMemcpyAsync(void* d, const void* s, size_t n, cudaMemcpyKind k, cudaStream_t st) {
  return copy(d, n, s, n, n, 1, k, true, st);
}
cudaError_t cudaMemcpy2D(void* d, size_t dp, const void* s, size_t sp, size_t w, size_t h, cudaMemcpyKind k) {
  return copy(d, dp, s, sp, w, h, k, false, nullptr);
}
cudaError_t cudaMemcpy2DAsync(void* d, size_t dp, const void* s, size_t sp, size_t w, size_t h,
                              cudaMemcpyKind k, cudaStream_t st) {
  return copy(d, dp, s, sp, w, h, k, true, st);
}
cudaError_t cudaMemcpyPeerAsync(void* d, int, const void* s, int, size_t n, cudaStream_t st) {
  return copy(d, n, s, n, n, 1, cudaMemcpyDeviceToDevice, true, st);
}
cudaError_t cudaMemset(void* d, int v, size_t n) {
  return fill(d, n, v, n, 1, false, nullptr);
}
cudaError_t cudaMemsetAsync(void* d, int v, size_t n, cudaStream_t st) {
  return fill(d, n, v, n, 1, true, st);
}
cudaError_t cudaMemset2D(void* d, size_t p, int v, size_t w, size_t h) {
  return fill(d, p, v, w, h, false, nullptr);
}
cudaError_t cudaMemset2DAsync(void* d, size_t p, int v, size_t w, size_t h, cudaStream_t st) {
  return fill(d, p, v, w, h, true, st);
}

// ---- symbols -------------------------------------------------------------------------------
cudaError_t cudaGetSymbolAddress(void** p, const void* s) {
  API();
  *p = symbol_address(s, nullptr);
  return *p ? cudaSuccess : set_error(cudaErrorInvalidSymbol);
}
cudaError_t cudaGetSymbolSize(size_t* n, const void* s) {
  API();
  return symbol_address(s, n) ? cudaSuccess : set_error(cudaErrorInvalidSymbol);
}
static cudaError_t symbol_range(const void* s, size_t n, size_t o, char** p) {
  size_t size = 0;
  *p = (char*)symbol_address(s, &size);
  if (!*p) return cudaErrorInvalidSymbol;
  if (o + n > size) return cudaErrorInvalidValue;
  *p += o;
  return cudaSuccess;
}
static cudaError_t to_symbol(const void* s, const void* src, size_t n, size_t o, bool async,
                             cudaStream_t st) {
  API();
  char* p;
  if (cudaError_t e = symbol_range(s, n, o, &p)) return set_error(e);
  if (!async)
    if (cudaError_t e = legacy_call()) return set_error(e);
  return submit(async ? st : nullptr, copy_node(p, n, src, n, n, 1));
}
static cudaError_t from_symbol(void* d, const void* s, size_t n, size_t o, bool async, cudaStream_t st) {
  API();
  char* p;
  if (cudaError_t e = symbol_range(s, n, o, &p)) return set_error(e);
  if (!async)
    if (cudaError_t e = legacy_call()) return set_error(e);
  return submit(async ? st : nullptr, copy_node(d, n, p, n, n, 1));
}
cudaError_t cudaMemcpyToSymbol(const void* s, const void* src, size_t n, size_t o, cudaMemcpyKind) {
  return to_symbol(s, src, n, o, false, nullptr);
}
cudaError_t cudaMemcpyFromSymbol(void* d, const void* s, size_t n, size_t o, cudaMemcpyKind) {
  return from_symbol(d, s, n, o, false, nullptr);
}
cudaError_t cudaMemcpyToSymbolAsync(const void* s, const void* src, size_t n, size_t o, cudaMemcpyKind,
                                    cudaStream_t st) {
  return to_symbol(s, src, n, o, true, st);
}
cudaError_t cudaMemcpyFromSymbolAsync(void* d, const void* s, size_t n, size_t o, cudaMemcpyKind,
                                      cudaStream_t st) {
  return from_symbol(d, s, n, o, true, st);
}
}
