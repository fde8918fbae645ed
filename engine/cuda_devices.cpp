#include "engine/cuda_devices.h"

#include "engine/error.h"
#if FERMION_CUDA
#include <cuda_runtime_api.h>
#endif

namespace fermion::engine {

#if FERMION_CUDA

namespace {

std::string version_text(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

std::string reason(cudaError_t error, const CudaDevices& found) {
  if (error == cudaErrorInsufficientDriver && found.driver > 0)
    return fmt::format("the driver knows CUDA {}, and this program needs {}", version_text(found.driver),
                       version_text(found.runtime));
  if (error == cudaErrorInsufficientDriver) return "no driver is installed";
  if (error == cudaErrorNoDevice || error == cudaSuccess) return "the driver sees no GPU";
  return cudaGetErrorString(error);
}

}  // namespace

CudaDevices cuda_devices() {
  CudaDevices found;
  found.built = true;
  if (cudaDriverGetVersion(&found.driver) != cudaSuccess) found.driver = 0;
  cudaRuntimeGetVersion(&found.runtime);
  int count = 0;
  cudaError_t error = cudaGetDeviceCount(&count);
  for (int ordinal = 0; error == cudaSuccess && ordinal < count; ++ordinal) {
    cudaDeviceProp p;
    error = cudaGetDeviceProperties(&p, ordinal);
    if (error != cudaSuccess) break;
    const std::string name = p.name;
    found.devices.push_back({ordinal, name, p.major, p.minor, p.multiProcessorCount, p.totalGlobalMem,
                             name.starts_with("ptxi ")});
  }
  if (found.devices.empty()) found.why_none = reason(error, found);
  cudaGetLastError();  // is nobody else's
  return found;
}

#else

CudaDevices cuda_devices() {
  CudaDevices none;
  none.why_none = "this program was built without CUDA";
  return none;
}

#endif

}  // namespace fermion::engine
