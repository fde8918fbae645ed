// Allocating and freeing memory in the order of a stream.

#include <map>

#include "cudart/pools.h"
#include "cudart/work.h"
#include "memory.h"
#include "options.h"

namespace ptxi {

static auto& g_graph_memory = *new std::map<u64, std::weak_ptr<GraphMemory>>;  // by base

std::shared_ptr<GraphMemory> new_graph_memory(const void* p) {
  const std::shared_ptr<GraphMemory> m(new GraphMemory{(u64)p, mem_find((u64)p)->serial});
  g_graph_memory[m->base] = m;
  return m;
}

std::shared_ptr<GraphMemory> graph_memory(const void* p) {
  const auto i = g_graph_memory.find((u64)p);
  return i == g_graph_memory.end() ? nullptr : i->second.lock();
}

// What is not freed stays, as memory that is no graph's.
GraphMemory::~GraphMemory() {
  const Alloc* a = mem_find(base);
  if (a && a->serial != serial) return;  // of another after cudaDeviceReset
  g_graph_memory.erase(base);
  if (!a || !freed) return;
  forget_uses((void*)base);
  free_device((void*)base);
}

}  // namespace ptxi

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
  if (cap) {
    if (*p) nd.memory = new_graph_memory(*p);
    record_node(st, nd);
  } else if (options().late_streams && *p)
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
  nd.memory = graph_memory(p);
  if (cap) {  // the memory belongs to the graph from now on; it is that which a capture allocated
    if (!mem_find((u64)p)->async || in_pool((u64)p)) return set_error(cudaErrorInvalidValue);
    record_node(st, nd);
    return cudaSuccess;
  }
  if (nd.memory) nd.memory->freed = true;
  if (!options().late_streams) {
    if (!nd.memory) free_device(p);
    return cudaSuccess;
  }
  if (nd.memory) {
    const WorkRef w = queue(st, nd);
    w->then = [p, free = std::weak_ptr(w)] { note_free(p, free.lock()); };
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
