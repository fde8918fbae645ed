// The benchmark cases of every op at the shapes of lnl-base, run once for the counters of tests/ptxi.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "engine/device.h"

namespace fermion::benchmarks {

// Runs the cases of `op`, or of every op where it is empty, whose names contain `part`, with `images` in a
// batch. Returns "images", "calls" and "fills". Each call of an op is a profiled range of its own; "calls"
// has what the ranges hold, in their order:
//   "op", "case", "count" (how often the network has such a layer), "parts": a call, or of conv2d's backward
//   its three parts, each with "part", "flops", "bytes" (everything read and written once) and, where tiles
//   make it more, "requested" (bytes that warps must ask for); of conv2d also "activations" (those of the
//   bytes) and "tensors" (how many bytes each tensor of activations has).
// "fills", of every op or all of conv2d: how full the rounds of 108 and 132 multiprocessors are in a step of
// lnl-base.
nlohmann::json run_counted_ops(engine::Device& device, engine::DType dtype, const std::string& op,
                               const std::string& part, std::int64_t images);

}  // namespace fermion::benchmarks
