#include "benchmarks/ops.h"

#include <algorithm>
#include <fmt/core.h>

#include "benchmarks/run_case.h"
#include "benchmarks/timing.h"
#include "tests/inputs.h"

namespace fermion::benchmarks {
namespace {

using test::OpCase;

struct Seconds {
  double forward = 0, backward = 0;
};

// What the trace says about the op itself, whatever else the case needs around it.
Seconds run(engine::Device& device, const std::string& op, const OpCase& test,
            const std::vector<engine::Feature>& inputs) {
  device.trace().clear();
  run_case(device, test, inputs);
  Seconds seconds;
  for (const engine::Trace::Event& event : device.trace().events()) {
    if (event.label == "case/" + op) seconds.forward += event.seconds;
    if (event.label == "case/" + op + " backward") seconds.backward += event.seconds;
  }
  return seconds;
}

nlohmann::json measure(engine::Device& device, const Machine& machine, const std::string& op,
                       const OpCase& test) {
  const std::vector<engine::Feature> inputs = test::make_inputs({device}, test, 1);
  std::vector<double> forward, both;
  run(device, op, test, inputs);
  const Clock clock(0);
  const double begin = clock.now();
  while (forward.size() < 7 || (forward.size() < 101 && clock.now() - begin < 0.5)) {
    const Seconds seconds = run(device, op, test, inputs);
    forward.push_back(seconds.forward);
    both.push_back(seconds.forward + seconds.backward);
  }
  const auto figures = [&](double seconds, double flops, double bytes) {
    return nlohmann::json{{"seconds", seconds},
                          {"flops", flops},
                          {"bytes", bytes},
                          {"roof", machine.least_seconds(device.threads(), flops, bytes) / seconds}};
  };
  nlohmann::json row{{"op", op}, {"case", test.name}};
  row["forward"] = figures(median(forward), test.flops, test.traffic.bytes(engine::DType::f32));
  if (median(both) > median(forward))
    row["forward_backward"] =
        figures(median(both), test.flops + test.backward_flops,
                test.traffic.bytes(engine::DType::f32) + test.backward_traffic.bytes(engine::DType::f32));
  return row;
}

std::string cells(const nlohmann::json& figures) {
  if (figures.is_null()) return "| | | | ";
  const double seconds = figures["seconds"];
  return fmt::format("| {:.3f} | {:.1f} | {:.1f} | {:.0f} % ", 1e3 * seconds,
                     figures["flops"].get<double>() / seconds / 1e9,
                     figures["bytes"].get<double>() / seconds / 1e9, 100 * figures["roof"].get<double>());
}

}  // namespace

nlohmann::json bench_ops(engine::Device& device, const Machine& machine, const std::string& op,
                         const std::string& part) {
  nlohmann::json rows = nlohmann::json::array();
  fmt::print(
      "## Ops, {} threads\n\n| op | case | forward ms | GFLOP/s | GB/s | of roof | with backward ms | "
      "GFLOP/s | GB/s | of "
      "roof |\n|---|---|---|---|---|---|---|---|---|---|\n",
      device.threads());
  device.trace().enable();
  std::vector<test::Registered> ops = test::registry();
  std::sort(ops.begin(), ops.end(), [](const auto& a, const auto& b) { return a.op < b.op; });
  for (const test::Registered& registered : ops) {
    if (!op.empty() && registered.op != op) continue;
    for (const OpCase& test : registered.cases({}).benchmarks) {
      if (test.name.find(part) == std::string::npos) continue;
      const nlohmann::json row = measure(device, machine, registered.op, test);
      fmt::print("| {} | {} {}{}|\n", registered.op, test.name, cells(row["forward"]),
                 cells(row.value("forward_backward", nlohmann::json())));
      std::fflush(stdout);
      rows.push_back(row);
    }
  }
  fmt::print("\n");
  return rows;
}

}  // namespace fermion::benchmarks
