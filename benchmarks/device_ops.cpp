#include "benchmarks/device_ops.h"

#include <algorithm>
#include <chrono>
#include <fmt/core.h>
#include <utility>
#include <vector>

#include "benchmarks/case_list.h"
#include "benchmarks/device_timing.h"
#include "benchmarks/run_case.h"
#include "benchmarks/timing.h"
#include "tests/inputs.h"

namespace fermion::benchmarks {
namespace {

using engine::Device;
using engine::DType;
using engine::Tensor;
using test::OpCase;

struct Sample {
  double forward = 0, backward = 0;
};

// Of calls after the first.
struct Times {
  std::vector<double> forward, both;
  bool first = true;

  void add(const Sample& sample) {
    if (std::exchange(first, false)) return;
    forward.push_back(sample.forward);
    both.push_back(sample.forward + sample.backward);
  }
};

Sample run(Device& device, CallTimes& times, const std::string& op, const OpCase& test,
           const std::vector<engine::Feature>& inputs) {
  times.clear();
  run_case(device, test, inputs);
  Sample sample;
  for (const auto& [label, seconds] : times.seconds()) {
    if (label == "case/" + op) sample.forward += seconds;
    if (label == "case/" + op + " backward") sample.backward += seconds;
  }
  return sample;
}

nlohmann::json measure(Device& device, CallTimes& times, DType dtype, const std::string& op,
                       const OpCase& test) {
  const std::vector<engine::Feature> inputs = test::make_inputs({device, dtype}, test, 1);
  Times cold, warm;
  const Clock clock(0);
  const double begin = clock.now();
  while (cold.forward.size() < 3 || (cold.forward.size() < 21 && clock.now() - begin < 0.5)) {
    for (Times* of : {&cold, &warm}) {
      times.set_cold(of == &cold);
      of->add(run(device, times, op, test, inputs));
    }
  }
  nlohmann::json row = describe(op, test);
  row["device"] = "cuda";
  row["precision"] = dtype == DType::f32 ? "fp32" : "bf16";
  row["forward"] = {{"seconds", median(cold.forward)},
                    {"warm_seconds", median(warm.forward)},
                    {"flops", test.flops},
                    {"bytes", test.traffic.bytes(dtype)}};
  if (median(cold.both) > median(cold.forward))
    row["forward_backward"] = {{"seconds", median(cold.both)},
                               {"warm_seconds", median(warm.both)},
                               {"flops", test.flops + test.backward_flops},
                               {"bytes", test.traffic.bytes(dtype) + test.backward_traffic.bytes(dtype)}};
  return row;
}

std::string cells(const nlohmann::json& figures, double copied) {
  if (figures.is_null()) return "| | | | | ";
  const double seconds = figures["seconds"];
  return fmt::format("| {:.4f} | {:.4f} | {:.2f} | {:.0f} % ", 1e3 * seconds,
                     1e3 * figures["warm_seconds"].get<double>(),
                     figures["flops"].get<double>() / seconds / 1e12,
                     100 * figures["bytes"].get<double>() / seconds / copied);
}

// Read and written.
double copied_per_second(Device& device) {
  constexpr std::int64_t bytes = 256 << 20;
  const Tensor from = Tensor::zeros(device, DType::u8, {bytes}),
               to = Tensor::zeros(device, DType::u8, {bytes});
  return 2.0 * bytes / device_times(device, {[&] { copy_on_device(device, to, from); }})[0].seconds;
}

}  // namespace

nlohmann::json bench_device_ops(Device& device, DType dtype, const std::string& op, const std::string& part) {
  nlohmann::json rows = nlohmann::json::array();
  const double copied = copied_per_second(device);
  fmt::print("## Ops on {}, {}\n\n", device.name(), dtype == DType::f32 ? "fp32" : "bf16");
  fmt::print("A copy of 256 MiB: {:.0f} GB/s, read and written.\n\n", copied / 1e9);
  fmt::print(
      "Warm: what the last call left is in the cache; else nothing of the op's, rates too.\n\n"
      "| op | case | forward ms | warm | TFLOP/s | bytes of copy rate | with backward ms | warm | TFLOP/s | "
      "bytes of copy rate |\n|---|---|---|---|---|---|---|---|---|---|\n");
  CallTimes times(device);
  std::vector<test::Registered> ops = test::registry();
  std::sort(ops.begin(), ops.end(), [](const auto& a, const auto& b) { return a.op < b.op; });
  for (const test::Registered& registered : ops) {
    if (!op.empty() && registered.op != op) continue;
    for (const OpCase& test : registered.cases({}).benchmarks) {
      if (test.name.find(part) == std::string::npos) continue;
      const nlohmann::json row = measure(device, times, dtype, registered.op, test);
      fmt::print("| {} | {} {}{}|\n", registered.op, test.name, cells(row["forward"], copied),
                 cells(row.value("forward_backward", nlohmann::json()), copied));
      std::fflush(stdout);
      rows.push_back(row);
    }
  }
  fmt::print("\n");
  return {{"device", device.name()}, {"copied_per_second", copied}, {"ops", rows}};
}

}  // namespace fermion::benchmarks
