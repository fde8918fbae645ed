// The benchmark cases of every op at the shapes of lnl-base, run once for the counters of tests/ptxi.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "engine/device.h"

namespace fermion::benchmarks {

// Runs the cases of `op`, or of every op where it is empty, whose names contain `part`, with `images` in a
// batch. Each call of an op is a profiled range of its own; returns what the ranges hold, in their order:
//   "op", "case", "count" (how often the network has such a layer), "parts": a call, or of conv2d's backward
//   its three parts, each with "part", "flops", "bytes" (everything read and written once) and, where tiles
//   make it more, "requested" (bytes that warps must ask for).
nlohmann::json run_counted_ops(engine::Device& device, engine::DType dtype, const std::string& op,
                               const std::string& part, std::int64_t images);

}  // namespace fermion::benchmarks
