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
// Which pool the memory at `base` counts in, for as long as it lives.
void pool_take(Pool* pool, u64 base, u64 n);
void pool_return(u64 base);
bool in_pool(u64 base);

}  // namespace ptxi
