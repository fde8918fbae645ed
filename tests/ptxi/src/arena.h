// The addresses of device memory.
#pragma once

#include "memory.h"

namespace ptxi {

bool arena_take(Alloc& a);             // finds a.size bytes for it; false: out of memory
void arena_give_back(const Alloc& a);  // they are freed
bool mem_is_device(u64 addr);          // an address of device memory, allocated or not
u64 mem_used();

}  // namespace ptxi
