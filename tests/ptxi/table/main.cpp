// Prints a file of counters (PTXI_COUNTERS) as tables: per kernel, and per source line of the largest
// kernels.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fmt/core.h>
#include <fstream>

#include "tables.h"

using namespace ptxi::table;

int main(int argc, char** argv) {
  std::string path, part;
  Limits limits;
  CLI::App app("Tables of a file that ptxi wrote its counters to (PTXI_COUNTERS).");
  app.add_option("file", path, "the file")->required();
  app.add_option("--kernels", limits.kernels, "how many kernels")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--lines", limits.lines, "how many source lines of each; 0: none")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  app.add_option("--kernel", part, "only kernels whose name contains this");
  CLI11_PARSE(app, argc, argv);
  std::ifstream stream(path);
  if (!stream) {
    fmt::print(stderr, "counters_table: cannot read '{}'\n", path);
    return 1;
  }
  try {
    std::vector<Kernel> kernels = kernels_of(nlohmann::json::parse(stream));
    kernels.erase(
        std::remove_if(kernels.begin(), kernels.end(),
                       [&](const Kernel& kernel) { return kernel.name.find(part) == std::string::npos; }),
        kernels.end());
    if (kernels.empty()) {
      fmt::print(stderr, "counters_table: '{}' has no launch of {}\n", path,
                 part.empty() ? "any kernel" : "a kernel whose name contains '" + part + "'");
      return 1;
    }
    fmt::print("{}", tables(std::move(kernels), limits));
  } catch (const nlohmann::json::exception& error) {
    fmt::print(stderr, "counters_table: '{}' is no file of counters: {}\n", path, error.what());
    return 1;
  }
  return 0;
}
