// What ptxi counted of every op, against what a kernel is to reach.
#pragma once

#include <nlohmann/json.hpp>

namespace fermion::benchmarks {

// `counted`: what run_counted_ops() returned; `counters`: what ptxi wrote meanwhile (PTXI_COUNTERS, of ranges
// only). Prints a row for each part of each call and the sums against their bars; returns the rows as "parts"
// and the sums as "bars". Throws Error when the two do not belong together.
nlohmann::json print_bars(const nlohmann::json& counted, const nlohmann::json& counters);

}  // namespace fermion::benchmarks
