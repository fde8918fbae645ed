#if FERMION_CUDA
#include "engine/cuda_runtime.h"

#include <cstdint>
#include <cuda_runtime_api.h>

#include "engine/error.h"
#include "engine/profile_range.h"

namespace fermion::engine {
namespace {

// `what`: what failed, "reading 16 bytes".
void check(cudaError_t error, const std::string& what) {
  if (error == cudaSuccess) return;
  throw Error("CUDA, {}: {} ({})", what, cudaGetErrorString(error), cudaGetErrorName(error));
}

}  // namespace

CudaRuntime::CudaRuntime(int ordinal) {
  const auto [built, driver, runtime, devices, why_none] = cuda_devices();
  if (devices.empty()) throw Error("there is no CUDA device: {}", why_none);
  if (ordinal < 0 || ordinal >= static_cast<int>(devices.size()))
    throw Error("there is no CUDA device {}; there are {}", ordinal, devices.size());
  info_ = devices[static_cast<std::size_t>(ordinal)];
  if (!info_.new_enough())
    throw Error("{} is sm_{}{}; Fermion needs sm_80 or newer", info_.name, info_.major, info_.minor);
  check(cudaSetDevice(ordinal), fmt::format("choosing device {}", ordinal));
  check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream");
  name_stream(stream_, "fermion compute");
  cudaMemPoolProps properties{};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location = {cudaMemLocationTypeDevice, ordinal};
  check(cudaMemPoolCreate(&pool_, &properties), "making a memory pool");
  std::uint64_t keep = UINT64_MAX;
  check(cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &keep), "setting up a memory pool");
  constexpr std::size_t bytes = kernels::Cuda::counter_count * sizeof(unsigned);
  counters_ = static_cast<unsigned*>(allocate(bytes));
  if (!counters_) throw Error("{} has no memory left", info_.name);
  zero(counters_, bytes);
}

CudaRuntime::~CudaRuntime() {
  if (counters_) release(counters_);
  if (stream_) cudaStreamSynchronize(stream_);
  if (pool_) cudaMemPoolDestroy(pool_);
  if (stream_) cudaStreamDestroy(stream_);
}

void* CudaRuntime::allocate(std::size_t bytes) {
  // What a capture allocated would be memory of its graph alone.
  cudaStreamCaptureStatus capture = cudaStreamCaptureStatusNone;
  check(cudaStreamIsCapturing(stream_, &capture), "asking for a capture");
  if (capture != cudaStreamCaptureStatusNone)
    throw Error("work that is captured for a CUDA graph needs {} bytes more than the runs before it", bytes);
  void* data = nullptr;
  const cudaError_t error = cudaMallocFromPoolAsync(&data, bytes, pool_, stream_);
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    return nullptr;
  }
  check(error, fmt::format("allocating {} bytes", bytes));
  return data;
}

void CudaRuntime::release(void* data) noexcept {
  cudaFreeAsync(data, stream_);
}

void CudaRuntime::read(void* host, const void* data, std::size_t bytes) {
  if (bytes == 0) return;
  const std::string what = fmt::format("reading {} bytes", bytes);
  check(cudaMemcpyAsync(host, data, bytes, cudaMemcpyDeviceToHost, stream_), what);
  check(cudaStreamSynchronize(stream_), what);
}

void CudaRuntime::write(void* data, const void* host, std::size_t bytes) {
  if (bytes == 0) return;
  const std::string what = fmt::format("writing {} bytes", bytes);
  check(cudaMemcpyAsync(data, host, bytes, cudaMemcpyHostToDevice, stream_), what);
  check(cudaStreamSynchronize(stream_), what);
}

void CudaRuntime::zero(void* data, std::size_t bytes) {
  check(cudaMemsetAsync(data, 0, bytes, stream_), fmt::format("zeroing {} bytes", bytes));
}

void CudaRuntime::synchronize() {
  check(cudaStreamSynchronize(stream_), "waiting for the device");
}

}  // namespace fermion::engine
#endif
