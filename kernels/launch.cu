#include <cstdlib>
#include <cxxabi.h>
#include <memory>
#include <stdexcept>
#include <string>

#include "kernels/launch.cuh"

namespace fermion::kernels {
namespace {

// As the source writes it.
std::string name_of(const void* kernel) {
  const char* mangled = "?";
  cudaFuncGetName(&mangled, kernel);
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(mangled, nullptr, nullptr, nullptr), std::free);
  return name ? name.get() : mangled;
}

}  // namespace

int most_shared_bytes() {
  int device = 0, bytes = 0;
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  return bytes;
}

void check_launch(cudaError_t error, const void* kernel) {
  if (error == cudaSuccess) return;
  throw std::runtime_error("CUDA could not launch " + name_of(kernel) + ": " + cudaGetErrorString(error));
}

void allow_shared_bytes(const void* kernel, std::size_t bytes) {
  if (const int most = most_shared_bytes(); bytes > static_cast<std::size_t>(most))
    throw std::runtime_error("a block of " + name_of(kernel) + " wants " + std::to_string(bytes) +
                             " bytes of shared memory, and this GPU has " + std::to_string(most));
  check_launch(
      cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)),
      kernel);
}

}  // namespace fermion::kernels
