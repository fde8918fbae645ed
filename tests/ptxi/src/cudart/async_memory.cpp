// Allocating and freeing memory in the order of a stream.

#include "cudart/pools.h"
#include "cudart/work.h"
#include "memory.h"
#include "options.h"

using namespace ptxi;

extern "C" {

// From the current pool, or from one that the program names.
static cudaError_t malloc_async(void** p, size_t n, const cudaMemPool_t* from, cudaStream_t s) {
  API();
  Pool* pool = from ? pool_of(*from) : current_pool();
  if (!pool) return set_error(cudaErrorInvalidValue);
  Stream* st;
  CaptureState* cap;
  if (cudaError_t e = stream_op(s, &st, &cap)) return set_error(e);
  cudaError_t e = alloc_device(p, n, true, cap ? nullptr : pool);
  if (e == cudaErrorMemoryAllocation && !g_pending.empty()) {  // frees may be under way
    run_frees();
    e = alloc_device(p, n, true, cap ? nullptr : pool);
  }
  if (e) return set_error(e);
  Node nd;
  nd.kind = N_ALLOC;
  nd.dst = *p;
  if (cap)
    record_node(st, nd);
  else if (options().late_streams && *p)
    note_allocation(*p, queue(st, nd));
  return cudaSuccess;
}
cudaError_t cudaMallocAsync(void** p, size_t n, cudaStream_t s) {
  return malloc_async(p, n, nullptr, s);
}
cudaError_t cudaMallocFromPoolAsync(void** p, size_t n, cudaMemPool_t mp, cudaStream_t s) {
  return malloc_async(p, n, &mp, s);
}
cudaError_t cudaFreeAsync(void* p, cudaStream_t s) {
  API();
  Stream* st;
  CaptureState* cap;
  if (cudaError_t e = stream_op(s, &st, &cap)) return set_error(e);
  if (!p) return cudaSuccess;
  if (cudaError_t e = check_free(p)) return set_error(e);
  Node nd;
  nd.kind = N_FREE;
  nd.dst = p;
  if (cap) {  // the memory belongs to the graph from now on; it is that which a capture allocated
    if (!mem_find((u64)p)->async || in_pool((u64)p)) return set_error(cudaErrorInvalidValue);
    record_node(st, nd);
    return cudaSuccess;
  }
  if (!options().late_streams) {
    free_device(p);
    return cudaSuccess;
  }
  mem_find((u64)p)->freeing = true;
  const WorkRef w = queue(st, nd);
  w->then = [p, free = std::weak_ptr(w)] {
    note_free(p, free.lock());
    free_device(p, text(*free.lock()));
  };
  return cudaSuccess;
}

}  // extern "C"
