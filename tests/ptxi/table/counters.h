// A file of counters (PTXI_COUNTERS), as the tables read it.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace ptxi::table {

// Of a kernel or a line.
struct Figures {
  std::uint64_t instructions = 0, thread_instructions = 0;  // a warp's instruction counts one; its threads'
  std::map<std::string, std::uint64_t> classes;             // of a warp's instructions
  std::uint64_t load_requests = 0, load_sectors = 0, store_requests = 0, store_sectors = 0;
  std::uint64_t distinct_sectors = 0;  // of each launch; none of lines
  std::uint64_t wavefronts = 0, excess = 0;
  std::uint64_t barriers = 0, branches = 0, divergent = 0, mma = 0, atomics = 0;

  std::uint64_t sectors() const { return load_sectors + store_sectors; }
  std::uint64_t requests() const { return load_requests + store_requests; }
};

struct Place {
  std::string file;
  int line = 0;
};

struct Line {
  Place place, inlined_at;  // inlined_at.line is 0 where the code was not inlined
  Figures figures;
};

struct Kernel {
  std::string name;  // short_name() of its signature
  Place place;       // where it begins
  std::uint64_t launches = 0;
  Figures figures;
  std::vector<Line> lines;
};

// Throws an exception of nlohmann-json for what is no such file.
std::vector<Kernel> kernels_of(const nlohmann::json& file);

// "gemm<Tile<64, 64>, bf16>" of "void lib::(anonymous namespace)::gemm<lib::Tile<64, 64>,
// lib::bf16>(lib::Gemm)".
std::string short_name(const std::string& signature);

}  // namespace ptxi::table
