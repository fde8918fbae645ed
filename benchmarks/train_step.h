// A whole training step of the presets, op by op, and PyTorch's step of the same network beside it.
#pragma once

#include <string>

#include "benchmarks/machine.h"

namespace fermion::benchmarks {

// `python`: an interpreter with torch, or empty. Prints a table for each preset; returns the figures.
nlohmann::json bench_train_steps(const Machine& machine, int threads, const std::string& python);

}  // namespace fermion::benchmarks
