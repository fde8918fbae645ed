// Convolutions and products on a CUDA device, beside cuDNN and cuBLAS.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "engine/device.h"

namespace fermion::benchmarks {

// The layers of conv2d or linear whose name contains `part`, in each direction and arithmetic: how far ours
// and the peer's results lie apart, and, where that is within the tolerance, the times of both, run in turn.
// Prints a table; returns its rows as "peers", as "left_out" what is not here, and as "differ" where results
// lie further apart.
nlohmann::json bench_peers(engine::Device& device, const std::string& op, const std::string& part);

}  // namespace fermion::benchmarks
