// The one place that launches kernels.
#pragma once

#include <cstdint>
#include <cuda_runtime.h>

#include "kernels/context.h"

namespace fermion::kernels {

// Of shared memory that a block may have, on the current device.
int most_shared_bytes();

// Throws what the runtime says, with the kernel's name.
void check_launch(cudaError_t error, const void* kernel);

// Throws where a block cannot have so many bytes of dynamic shared memory.
void allow_shared_bytes(const void* kernel, std::size_t bytes);

struct Grid {
  std::int64_t x = 1, y = 1, z = 1;

  bool empty() const { return x == 0 || y == 0 || z == 0; }
};

// Queues kernel(args...) on the context's stream; an empty grid queues nothing. `shared`: bytes of dynamic
// shared memory. Throws when the grid is larger than a launch can be, or a block wants more shared memory
// than there is.
template <class... Parameters, class... Args>
void launch(Cuda ctx, void (*kernel)(Parameters...), Grid grid, dim3 block, std::size_t shared,
            const Args&... args) {
  if (grid.empty()) return;
  const void* address = reinterpret_cast<const void*>(kernel);
  if (grid.x > 0x7FFFFFFF || grid.y > 0xFFFF || grid.z > 0xFFFF)
    check_launch(cudaErrorInvalidConfiguration, address);
  if (shared > 48 * 1024) allow_shared_bytes(address, shared);
  cudaLaunchConfig_t config{};
  config.gridDim =
      dim3(static_cast<unsigned>(grid.x), static_cast<unsigned>(grid.y), static_cast<unsigned>(grid.z));
  config.blockDim = block;
  config.dynamicSmemBytes = shared;
  config.stream = ctx.stream;
  check_launch(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(args)...), address);
}

}  // namespace fermion::kernels
