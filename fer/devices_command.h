// fer devices: what this machine can compute on.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "engine/cuda_devices.h"

namespace fermion::fer {

// {default: cpu|cuda, what --device auto takes,
//  cpu: {name, threads, instruction_set},
//  cuda: {built, driver, runtime, why_none, devices: [{ordinal, name, compute_capability, multiprocessors,
//         memory_bytes, interpreted, supported}]}}; versions such as "13.0", what is not there is null.
nlohmann::ordered_json devices_json(const engine::CudaDevices& cuda);
std::string devices_table(const nlohmann::ordered_json& devices);

// Prints one of them to stdout and returns 0.
int devices_command(bool json);

}  // namespace fermion::fer
