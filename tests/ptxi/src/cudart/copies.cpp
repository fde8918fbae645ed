// Copies and fills, and the work of graph nodes of these kinds.

#include <cstring>

#include "arena.h"
#include "cudart/runtime.h"
#include "cudart/work.h"
#include "memory.h"
#include "options.h"
#include "report.h"

namespace ptxi {

// The bytes behind an address: those of an allocation, or the address itself for host memory.
// Null if the range runs over the end of an allocation or of all addresses, or is not known to be host
// memory.
static u8* bytes_at(const void* p, size_t n, bool must_be_device, bool write, const char* what) {
  Alloc* a = mem_find((u64)p);
  if (a) {
    if (n > a->base + a->size - (u64)p) {
      report_error(std::string(what) + ": " + std::to_string(n) + " bytes at " + mem_describe((u64)p) +
                   " run over its end" + current_work());
      return nullptr;
    }
    if (write) mem_mark_init(a, (u64)p - a->base, n);
    return a->store + ((u64)p - a->base);
  }
  if (must_be_device || mem_is_device((u64)p)) {
    report_error(std::string(what) + ": " + mem_describe((u64)p) + " is not a device address" +
                 current_work());
    return nullptr;
  }
  if (n > -(u64)p) {
    report_error(std::string(what) + ": " + std::to_string(n) + " bytes at " + mem_describe((u64)p) +
                 " are more than there are addresses" + current_work());
    return nullptr;
  }
  return (u8*)const_cast<void*>(p);
}

// From the first byte of the first row to the last of the last one; SIZE_MAX: more than there are addresses.
static size_t extent(size_t pitch, size_t w, size_t h) {
  size_t n;
  return __builtin_mul_overflow(pitch, h - 1, &n) || __builtin_add_overflow(n, w, &n) ? SIZE_MAX : n;
}

cudaError_t check_transfer(const Node& n) {
  if (!n.width || !n.height) return cudaSuccess;
  const char* what = n.kind == N_MEMCPY ? "memcpy destination" : "memset";
  if (!bytes_at(n.dst, extent(n.dpitch, n.width, n.height), n.kind == N_MEMSET, false, what))
    return cudaErrorInvalidValue;
  if (n.kind == N_MEMCPY &&
      !bytes_at(n.src, extent(n.spitch, n.width, n.height), false, false, "memcpy source"))
    return cudaErrorInvalidValue;
  return cudaSuccess;
}

static cudaError_t copy_rows(void* d, size_t dp, const void* s, size_t sp, size_t w, size_t h) {
  if (!w || !h) return cudaSuccess;
  Alloc *da = mem_find((u64)d), *sa = mem_find((u64)s);
  u8* db = bytes_at(d, extent(dp, w, h), false, false, "memcpy destination");
  const u8* sb = bytes_at(s, extent(sp, w, h), false, false, "memcpy source");
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
cudaError_t check_kind(const void* d, const void* s, bool any, cudaMemcpyKind k) {
  if ((unsigned)k > cudaMemcpyDefault) return cudaErrorInvalidMemcpyDirection;
  if (!any) return cudaSuccess;
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

static cudaError_t copy(void* d, size_t dp, const void* s, size_t sp, size_t w, size_t h, cudaMemcpyKind k,
                        bool async, cudaStream_t st) {
  API();
  if (w > dp || w > sp) return set_error(cudaErrorInvalidPitchValue);
  if (cudaError_t e = check_kind(d, s, w && h, k)) return set_error(e);
  return submit_transfer(st, copy_node(d, dp, s, sp, w, h), async);
}

static cudaError_t fill(void* d, size_t pitch, int v, size_t w, size_t h, bool async, cudaStream_t st) {
  API();
  if (w > pitch) return set_error(cudaErrorInvalidValue);
  if (w && h && !bytes_at(d, extent(pitch, w, h), true, false, "memset"))
    return set_error(cudaErrorInvalidValue);
  Node n;
  n.kind = N_MEMSET;
  n.dst = d;
  n.dpitch = pitch;
  n.value = (unsigned)v;
  n.width = w;
  n.height = h;
  return submit_transfer(st, n, async);
}

cudaError_t run_node(const Node& n) {
  switch (n.kind) {
    case N_KERNEL:
      return run_call(n.call);
    case N_MEMCPY:
      return copy_rows(n.dst, n.dpitch, n.src, n.spitch, n.width, n.height);
    case N_MEMSET: {
      if (!n.width || !n.height) return cudaSuccess;
      u8* p = bytes_at(n.dst, extent(n.dpitch, n.width, n.height), true, false, "memset");
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
      run_host_function(n);
      return cudaSuccess;
    case N_ALLOC:  // memory of a graph: its contents are undefined at every launch
      if (Alloc* a = mem_find((u64)n.dst)) {
        memset(a->store, options().fill, a->size);
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
cudaError_t cudaMemcpyPeerAsync(void* d, int to, const void* s, int from, size_t n, cudaStream_t st) {
  API();
  if (to || from) return set_error(cudaErrorInvalidDevice);
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

}  // extern "C"
