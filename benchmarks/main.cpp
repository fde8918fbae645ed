// make bench: every op, conv2d beside oneDNN, and the training step. benchmarks/README.md says how to read
// the tables.
#define DOCTEST_CONFIG_IMPLEMENT
#include <CLI/CLI.hpp>
#include <algorithm>
#include <doctest/doctest.h>
#include <fmt/core.h>

#include "benchmarks/convolutions.h"
#include "benchmarks/machine.h"
#include "benchmarks/ops.h"
#include "benchmarks/train_step.h"
#include "fer/files.h"
#include "tests/harness.h"

using namespace fermion;
using namespace fermion::benchmarks;

int main(int argc, char** argv) {
  std::string op, layer, json, python;
  int threads = engine::Device().threads();
  bool step = false;
  CLI::App app("Times every op, conv2d beside oneDNN, and the training step beside PyTorch.");
  app.add_option("--op", op, "one op only");
  app.add_option("--layer", layer,
                 "conv2d beside oneDNN only, and of its layers those whose name contains this");
  app.add_flag("--step", step, "the training step only");
  app.add_option("--threads", threads, "OpenMP threads; default: every core")->check(CLI::Range(1, 1024));
  app.add_option("--torch", python, "a Python with torch, whose step is timed beside ours")
      ->envname("FERMION_TORCH");
  app.add_option("--json", json, "writes all figures to this file");
  CLI11_PARSE(app, argc, argv);
  const auto known = [&](const test::Registered& registered) { return registered.op == op; };
  if (!op.empty() && std::none_of(test::registry().begin(), test::registry().end(), known)) {
    fmt::print(stderr, "there is no op '{}'\n", op);
    return 2;
  }
  try {
    const Machine machine = measure_machine(threads);
    print(machine);
    nlohmann::json results{{"machine", machine.json()}};
    engine::Device device({.threads = threads});
    if (!step && layer.empty()) results["ops"] = bench_ops(device, machine, op);
    if (!step && (op.empty() || op == "conv2d" || !layer.empty()))
      results["conv2d"] = bench_convolutions(device, layer);
    if (step || (op.empty() && layer.empty())) results["steps"] = bench_train_steps(machine, threads, python);
    if (!json.empty()) fer::write_file(json, results.dump(2) + "\n");
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench: {}\n", error.what());
    return 1;
  }
  return 0;
}
