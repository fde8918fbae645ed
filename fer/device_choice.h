// Which device and precision a command computes with.
#pragma once

#include <string>

#include "engine/cuda_devices.h"
#include "engine/device.h"

namespace fermion::fer {

// As typed.
struct Compute {
  std::string device = "auto";     // auto, cpu or cuda
  std::string precision = "auto";  // auto, fp32 or bf16
};

struct DeviceChoice {
  engine::DeviceOptions::Kind kind = engine::DeviceOptions::Kind::cpu;
  int ordinal = 0;
  std::string why_not;  // the reason that it is no CUDA device, where one was looked for

  bool is_cuda() const { return kind == engine::DeviceOptions::Kind::cuda; }
};

// auto: the first real CUDA device that is new enough, else the CPU. cuda: the first of these, else the first
// that is interpreted. Throws UsageError for another word.
DeviceChoice choose_device(const std::string& wanted, const engine::CudaDevices& there);

// The device of this machine, with so many threads for what the CPU does. auto says on stderr why a program
// with CUDA computes on the CPU; cuda throws Error when there is no device.
engine::DeviceOptions device_options(const std::string& wanted, int threads);

// fp32 or bf16; auto is bf16 on CUDA. Throws UsageError for bf16 on the CPU and for another word.
std::string choose_precision(const std::string& wanted, bool cuda);
engine::DType activations_in(const std::string& precision);

}  // namespace fermion::fer
