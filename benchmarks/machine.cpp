#include "benchmarks/machine.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fmt/core.h>
#include <fstream>
#include <vector>

#include "benchmarks/timing.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "benchmarks/machine.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fermion::benchmarks::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

const char* InstructionSet() {
  return hwy::TargetName(HWY_TARGET);
}

// Twelve sums that do not wait for each other, in registers; returns the flops done.
double MultiplyAdd(std::int64_t rounds, float* result) {
  const hn::ScalableTag<float> d;
  const auto x = hn::Set(d, *result), y = hn::Set(d, 1e-3f);
  auto a = hn::Iota(d, 0), b = x, c = y, e = hn::Add(a, x), f = hn::Add(a, y), g = hn::Add(x, y);
  auto h = hn::Iota(d, 1), i = hn::Iota(d, 2), j = hn::Iota(d, 3), k = hn::Iota(d, 4), l = hn::Iota(d, 5),
       m = hn::Iota(d, 6);
  for (std::int64_t r = 0; r < rounds; ++r) {
    a = hn::MulAdd(a, x, y), b = hn::MulAdd(b, x, y), c = hn::MulAdd(c, x, y), e = hn::MulAdd(e, x, y);
    f = hn::MulAdd(f, x, y), g = hn::MulAdd(g, x, y), h = hn::MulAdd(h, x, y), i = hn::MulAdd(i, x, y);
    j = hn::MulAdd(j, x, y), k = hn::MulAdd(k, x, y), l = hn::MulAdd(l, x, y), m = hn::MulAdd(m, x, y);
  }
  const auto sum = hn::Add(hn::Add(hn::Add(a, b), hn::Add(c, e)), hn::Add(hn::Add(f, g), hn::Add(h, i)));
  *result = hn::GetLane(hn::Add(sum, hn::Add(hn::Add(j, k), hn::Add(l, m))));
  return 2.0 * 12 * static_cast<double>(rounds) * static_cast<double>(hn::Lanes(d));
}

}  // namespace fermion::benchmarks::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fermion::benchmarks {
namespace {

HWY_EXPORT(InstructionSet);
HWY_EXPORT(MultiplyAdd);

std::atomic<float> sink;  // keeps the sums

double flops_per_second(int threads) {
  const Clock clock(0);
  double best = 0;
  for (int trial = 0; trial < 40; ++trial) {
    double flops = 0;
    const double begin = clock.now();
#pragma omp parallel num_threads(threads) reduction(+ : flops)
    {
      float x = 0.5f;
      flops += HWY_DYNAMIC_DISPATCH(MultiplyAdd)(1 << 19, &x);
      sink.store(x, std::memory_order_relaxed);
    }
    best = std::max(best, flops / (clock.now() - begin));
  }
  return best;
}

double copied_per_second(int threads, const std::vector<char>& from, std::vector<char>& to) {
  const Clock clock(0);
  double best = 0;
  const std::size_t part = from.size() / static_cast<std::size_t>(threads);
  for (int trial = 0; trial < 8; ++trial) {
    const double begin = clock.now();
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int t = 0; t < threads; ++t)
      std::memcpy(to.data() + static_cast<std::size_t>(t) * part,
                  from.data() + static_cast<std::size_t>(t) * part, part);
    const double bytes = 2.0 * static_cast<double>(part) * threads;
    best = std::max(best, bytes / (clock.now() - begin));
  }
  return best;
}

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  return "unknown";
}

}  // namespace

double Machine::least_seconds(int threads, double work_flops, double work_bytes) const {
  return std::max(work_flops / flops.at(threads), work_bytes / copied_bytes.at(threads));
}

nlohmann::json Machine::json() const {
  nlohmann::json by_threads = nlohmann::json::array();
  for (const auto& [threads, rate] : flops)
    by_threads.push_back({{"threads", threads}, {"flops", rate}, {"copied_bytes", copied_bytes.at(threads)}});
  return {{"cpu", cpu}, {"instructions", instructions}, {"peak", by_threads}};
}

Machine measure_machine(int threads) {
  Machine machine{cpu_name(), HWY_DYNAMIC_DISPATCH(InstructionSet)(), {}, {}};
  const std::vector<char> from(256 << 20, 1);
  std::vector<char> to(from.size());
  for (int t = 1;; t = std::min(2 * t, threads)) {
    machine.flops[t] = flops_per_second(t);
    machine.copied_bytes[t] = copied_per_second(t, from, to);
    if (t == threads) return machine;
  }
}

void print(const Machine& machine) {
  fmt::print(
      "## Machine\n\n{}, {}\n\n| threads | peak GFLOP/s (f32 multiply-add) | peak GB/s (copy) "
      "|\n|---|---|---|\n",
      machine.cpu, machine.instructions);
  for (const auto& [threads, rate] : machine.flops)
    fmt::print("| {} | {:.1f} | {:.1f} |\n", threads, rate / 1e9, machine.copied_bytes.at(threads) / 1e9);
  fmt::print("\n");
}

}  // namespace fermion::benchmarks
#endif
