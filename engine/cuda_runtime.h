// The CUDA runtime as the engine uses it: one device, its streams and its memory. Only in builds with
// FERMION_CUDA=1; no header of the toolkit inside.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/cuda_devices.h"
#include "engine/memory.h"

struct CUmemPoolHandle_st;
struct CUstream_st;

namespace fermion::engine {

// Everything is queued on one stream, in the order of the calls. Errors of the device surface, as Error, at
// the next call that waits.
class CudaRuntime : public Memory {
 public:
  // Throws when there is no such device or it is older than sm_80.
  explicit CudaRuntime(int ordinal);
  ~CudaRuntime() override;
  CudaRuntime(const CudaRuntime&) = delete;

  CUstream_st* stream() const { return stream_; }
  // kernels::Cuda's.
  unsigned* counters() const { return counters_; }
  int multiprocessors() const { return info_.multiprocessors; }

  std::string name() const override { return info_.name; }
  // From a stream-ordered pool that keeps what is released.
  void* allocate(std::size_t bytes) override;
  void release(void* data) noexcept override;
  void read(void* host, const void* data, std::size_t bytes) override;
  void write(void* data, const void* host, std::size_t bytes) override;
  void zero(void* data, std::size_t bytes) override;
  void synchronize() override;

 private:
  CudaDeviceInfo info_;
  CUstream_st* stream_ = nullptr;
  CUmemPoolHandle_st* pool_ = nullptr;
  unsigned* counters_ = nullptr;
};

}  // namespace fermion::engine
