// The CUDA devices of this machine. No header of the toolkit inside; in builds without CUDA there are none.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace fermion::engine {

struct CudaDeviceInfo {
  int ordinal = 0;
  std::string name;  // "NVIDIA H100 PCIe"
  int major = 0, minor = 0, multiprocessors = 0;
  std::size_t bytes = 0;     // of memory
  bool interpreted = false;  // tests/ptxi stands in for the runtime

  bool new_enough() const { return major >= 8; }
};

struct CudaDevices {
  bool built = false;           // whether this program has CUDA
  int driver = 0, runtime = 0;  // 13000: CUDA 13.0; 0: none
  std::vector<CudaDeviceInfo> devices;
  std::string why_none;  // "no driver is installed"; empty where there are devices
};

// Asks the runtime; what goes wrong is an answer too.
CudaDevices cuda_devices();

}  // namespace fermion::engine
