// A whole training step of the presets, op by op, and PyTorch's step of the same network beside it.
#pragma once

#include <string>

#include "benchmarks/machine.h"
#include "engine/device.h"

namespace fermion::benchmarks {

// Throws UsageError unless it is an interpreter with torch.
void check_torch(const std::string& python);

// `python`: an interpreter with torch, or empty. Prints a table for each preset; returns the figures. Throws
// Error where PyTorch's step fails.
nlohmann::json bench_train_steps(const Machine& machine, int threads, const std::string& python);

// Steps on a CUDA device, replayed as a graph: wall time from handing over the batch to knowing the loss.
nlohmann::json bench_device_steps(const engine::DeviceOptions& options, engine::DType dtype);

}  // namespace fermion::benchmarks
