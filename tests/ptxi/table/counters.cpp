#include "counters.h"

#include <regex>

namespace ptxi::table {
namespace {

using nlohmann::json;

Figures figures_of(const json& counters) {
  // A line's zeros are not in the file.
  const auto number = [&](const char* name) { return counters.value(name, std::uint64_t{0}); };
  Figures f;
  for (const auto& [name, count] : counters.at("warp_instructions").items())
    (name == "total" ? f.instructions : f.classes[name]) = count.get<std::uint64_t>();
  f.thread_instructions = counters.at("thread_instructions").at("total").get<std::uint64_t>();
  f.load_requests = number("global_ld_requests");
  f.load_sectors = number("global_ld_sectors");
  f.store_requests = number("global_st_requests");
  f.store_sectors = number("global_st_sectors");
  f.distinct_sectors = number("unique_sectors_read") + number("unique_sectors_written");
  f.wavefronts = number("shared_wavefronts");
  f.excess = number("shared_wavefronts_excess");
  f.barriers = number("barriers");
  f.branches = number("branches");
  f.divergent = number("divergent_branches");
  f.mma = number("mma_instructions");
  f.atomics = number("global_atomic_requests") + number("shared_atomic_requests");
  return f;
}

Place place_of(const json& object) {
  return {object.at("file").get<std::string>(), object.at("line").get<int>()};
}

}  // namespace

std::vector<Kernel> kernels_of(const json& file) {
  std::vector<Kernel> kernels;
  for (const json& entry : file.at("kernels")) {
    Kernel kernel{short_name(entry.at("signature").get<std::string>()),
                  place_of(entry),
                  entry.at("launches").get<std::uint64_t>(),
                  figures_of(entry),
                  {}};
    for (const json& line : entry.at("lines"))
      kernel.lines.push_back({place_of(line),
                              line.contains("inlined_at") ? place_of(line.at("inlined_at")) : Place{},
                              figures_of(line)});
    kernels.push_back(std::move(kernel));
  }
  return kernels;
}

std::string short_name(const std::string& signature) {
  static const std::regex anonymous(R"(\(anonymous namespace\)::)"), returns("^void "),
      qualifiers(R"(\w+::)"), casts(R"(\([a-z ]+\)([-\w]))"), closing("> >");
  std::string name = std::regex_replace(signature, anonymous, "");
  name = std::regex_replace(name, returns, "");
  int depth = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    depth += (name[i] == '<') - (name[i] == '>');
    if (name[i] == '(' && depth == 0) name.resize(i);
  }
  name = std::regex_replace(name, qualifiers, "");
  name = std::regex_replace(name, casts, "$1");
  // Twice, for matches do not overlap: "> > >".
  for (int i = 0; i < 2; ++i) name = std::regex_replace(name, closing, ">>");
  return name;
}

}  // namespace ptxi::table
