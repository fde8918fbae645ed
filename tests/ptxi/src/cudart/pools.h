// Stream-ordered memory pools.
#pragma once

#include "cudart/runtime.h"

namespace ptxi {

struct Pool {
  u64 used = 0, reserved = 0, used_high = 0, reserved_high = 0, threshold = 0;
  int reuse[3] = {1, 1, 1};
  void grow(u64 n);
  void trim(u64 keep);
};

Pool* pool_of(cudaMemPool_t p);  // null: invalid handle
Pool* current_pool();            // that cudaMallocAsync takes memory from

cudaError_t alloc_device(void** p, size_t n, bool async, Pool* pool);
cudaError_t check_free(const void* p);  // whether it may be freed; reports why not
void free_device(void* p, const std::string& by = "");

// Memory that a graph allocates: the address is the graph's for as long as there is work, or a node, that
// allocates or frees it. Each launch allocates it anew.
struct GraphMemory {
  u64 base, serial;
  bool freed = true;  // after what the host has submitted
  ~GraphMemory();
};
std::shared_ptr<GraphMemory> new_graph_memory(const void* p);
std::shared_ptr<GraphMemory> graph_memory(const void* p);  // null: it is no such memory

// Which pool the memory at `base` counts in, for as long as it lives.
void pool_take(Pool* pool, u64 base, u64 n);
void pool_return(u64 base);
bool in_pool(u64 base);

}  // namespace ptxi
