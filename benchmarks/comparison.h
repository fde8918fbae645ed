// Results beside earlier ones.
#pragma once

#include <nlohmann/json.hpp>

namespace fermion::benchmarks {

// Prints, for every time and count that both have, what it was, what it is and the quotient, old by new;
// above 1 is better now. Both are what `bench --json` or gpu-report wrote. Throws Error when they have
// nothing in common.
void print_comparison(const nlohmann::json& old_results, const nlohmann::json& results);

}  // namespace fermion::benchmarks
