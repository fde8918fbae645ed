// The benchmark cases of every op, forward and backward, against the machine's roof.
#pragma once

#include <string>

#include "benchmarks/machine.h"
#include "engine/device.h"

namespace fermion::benchmarks {

// Prints a table of the cases of `op`, or of every op where it is empty, whose names contain `part`; returns
// its rows.
nlohmann::json bench_ops(engine::Device& device, const Machine& machine, const std::string& op,
                         const std::string& part);

}  // namespace fermion::benchmarks
