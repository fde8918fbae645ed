#include "benchmarks/comparison.h"

#include <fmt/core.h>
#include <map>
#include <string>

#include "engine/error.h"

namespace fermion::benchmarks {
namespace {

using nlohmann::json;

// Less of these is better.
bool is_cost(const std::string& key) {
  for (const char* cost : {"seconds", "launches", "distinct_bytes", "requested_bytes", "shared_wavefronts"})
    if (key == cost) return true;
  return false;
}

// What a row is about, and not how it came out.
std::string identity(const json& row) {
  std::string text;
  for (const char* key :
       {"op", "case", "layer", "preset", "batch", "part", "direction", "arithmetic", "precision"})
    if (const auto found = row.find(key); found != row.end())
      text += (found->is_string() ? found->get<std::string>() : found->dump()) + ", ";
  if (const auto norms = row.find("norms"); norms != row.end())
    text += *norms == true ? "with norms, " : "alone, ";
  return text;
}

void collect(const json& value, const std::string& name, std::map<std::string, double>& costs) {
  if (value.is_array())
    for (const json& element : value) collect(element, name, costs);
  if (!value.is_object()) return;
  const std::string row = name + identity(value);
  for (const auto& [key, member] : value.items()) {
    if (key == "torch" || key == "peer") continue;  // not ours
    if (is_cost(key) && member.is_number()) costs[row + key] = member.get<double>();
    // Rows of an array say themselves what they are.
    collect(member, member.is_object() ? row + key + ", " : row, costs);
  }
}

std::map<std::string, double> costs_of(const json& results) {
  std::map<std::string, double> costs;
  collect(results, "", costs);
  return costs;
}

}  // namespace

void print_comparison(const json& old_results, const json& results) {
  const std::map<std::string, double> before = costs_of(old_results), after = costs_of(results);
  std::size_t common = 0;
  for (const auto& [name, now] : after) {
    const auto found = before.find(name);
    if (found == before.end()) continue;
    if (common++ == 0)
      fmt::print("\n## Beside earlier results\n\n| what | then | now | then / now |\n|---|---|---|---|\n");
    fmt::print("| {} | {:.4g} | {:.4g} | {} |\n", name, found->second, now,
               now > 0 ? fmt::format("{:.2f}", found->second / now) : "");
  }
  if (common == 0) throw engine::Error("the earlier results have nothing that was measured now");
  fmt::print("\n{} figures; {} are new, {} were not measured now.\n", common, after.size() - common,
             before.size() - common);
}

}  // namespace fermion::benchmarks
