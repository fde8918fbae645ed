// Copies from global to shared memory that go on while the thread does other things. (PTX ISA, "cp.async".)
#pragma once

namespace fermion::kernels {

// 16 bytes to `shared` (kernels/mma.cuh), both addresses aligned to 16; zeros where not `there`, and nothing
// is read.
__device__ inline void copy_async(unsigned shared, const void* global, bool there) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared), "l"(global), "r"(there ? 16 : 0)
               : "memory");
}

// The same of 8 bytes.
__device__ inline void copy_async_8(unsigned shared, const void* global, bool there) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 8, %2;" ::"r"(shared), "l"(global), "r"(there ? 8 : 0)
               : "memory");
}

// Waits for all copies of this thread. Others see what arrived after a barrier.
__device__ inline void wait_for_copies() {
  asm volatile("cp.async.wait_all;" ::: "memory");
}

}  // namespace fermion::kernels
