// One run of a benchmark case, on any device.
#pragma once

#include <string>
#include <vector>

#include "tests/harness.h"

namespace fermion::benchmarks {

// The op forward and, where a gradient is wanted, backward; profilers see these as ranges. Traces name its
// calls "case/OP"; besides them there is one that fills the loss's gradient.
void run_case(engine::Device& device, const test::OpCase& test, const std::vector<engine::Feature>& inputs);

// For profilers, nothing timed: the first benchmark case of `op` whose name contains `part`, run once to warm
// up and then once in the part that they record. Its calls are written to the file `trace`, unless that is
// empty. Returns the case's name; throws Error when there is none.
std::string run_once(engine::Device& device, engine::DType dtype, const std::string& op,
                     const std::string& part, const std::string& trace);

}  // namespace fermion::benchmarks
