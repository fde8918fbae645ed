// The benchmark's cases as data, for programs that time the same elsewhere.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tests/harness.h"

namespace fermion::benchmarks {

// "op", "case", "inputs" with name and shape; of a convolution its stride.
nlohmann::json describe(const std::string& op, const test::OpCase& test);

// Of every op, or of `op` alone.
nlohmann::json case_list(const std::string& op);

}  // namespace fermion::benchmarks
