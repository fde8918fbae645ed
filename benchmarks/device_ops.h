// The benchmark cases of every op on a CUDA device.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "engine/device.h"

namespace fermion::benchmarks {

// Prints the rate of a copy within the device's memory and a table of the cases of `op`, or of every op where
// it is empty, whose names contain `part`, with activations of type `dtype`; returns both.
nlohmann::json bench_device_ops(engine::Device& device, engine::DType dtype, const std::string& op,
                                const std::string& part);

}  // namespace fermion::benchmarks
