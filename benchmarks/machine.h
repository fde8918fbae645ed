// What this machine can do at most, measured: the roof under which ops are placed.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace fermion::benchmarks {

struct Machine {
  std::string cpu, instructions;       // model name; instruction set that Highway chose
  std::map<int, double> flops;         // f32 multiply-adds count two, per second, by number of threads
  std::map<int, double> copied_bytes;  // read and written by a copy of 256 MiB, per second

  // Seconds that work takes at least, whichever roof is lower.
  double least_seconds(int threads, double work_flops, double work_bytes) const;
  nlohmann::json json() const;
};

// The best of many short trials, with 1, 2, 4, ... and `threads` threads.
Machine measure_machine(int threads);
void print(const Machine& machine);

}  // namespace fermion::benchmarks
