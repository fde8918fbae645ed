// What a kernel runs on. The type of the context picks the device: every kernel is overloaded on it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/host_device.h"

struct CUstream_st;  // what a cudaStream_t points to

namespace fermion::kernels {

// Scratch memory of one kernel call. What take() returns stays valid until the call ends; the engine hands
// the same memory to the next call, so that after the first step nothing is allocated.
class Workspace {
 public:
  virtual ~Workspace() = default;

  // 64-byte aligned, uninitialised.
  virtual void* take_bytes(std::size_t bytes) = 0;

  template <class T>
  T* take(std::int64_t count) {
    return static_cast<T*>(take_bytes(static_cast<std::size_t>(count) * sizeof(T)));
  }
};

// oneDNN primitives by shape; see kernels/onednn.h.
class Primitives;

struct Cpu {
  int threads;  // OpenMP threads of every parallel loop; part of "same device" in promises of equal bits
  Workspace& workspace;
  Primitives& primitives;
};

// Kernels are queued on the stream; scratch goes back to the stream's order too.
struct Cuda {
  CUstream_st* stream;
  Workspace& workspace;
  unsigned* counters;   // counter_count of them; zeros before and after every kernel
  int multiprocessors;  // that persistent kernels fill

  static constexpr int counter_count = 4096;
};

// Whether a gradient kernel replaces what its output holds or adds to it.
enum class Write { overwrite, accumulate };

// Where a gradient goes. Null: nobody wants it.
template <class T>
struct Gradient {
  T* data = nullptr;
  Write write = Write::overwrite;

  FERMION_HOST_DEVICE explicit operator bool() const { return data != nullptr; }
};

// Blocks of `size` that cover `count`.
constexpr std::int64_t blocks_for(std::int64_t count, std::int64_t size) {
  return (count + size - 1) / size;
}

}  // namespace fermion::kernels
