// make bench: every op, conv2d beside oneDNN, and the training step. benchmarks/README.md says how to read
// the tables.
#define DOCTEST_CONFIG_IMPLEMENT
#include <CLI/CLI.hpp>
#include <algorithm>
#include <doctest/doctest.h>
#include <fmt/core.h>

#include "benchmarks/case_list.h"
#include "benchmarks/convolutions.h"
#include "benchmarks/device_ops.h"
#include "benchmarks/machine.h"
#include "benchmarks/ops.h"
#include "benchmarks/peers.h"
#include "benchmarks/run_case.h"
#include "benchmarks/train_step.h"
#include "fer/config.h"
#include "fer/device_choice.h"
#include "fer/files.h"
#include "tests/harness.h"

using namespace fermion;
using namespace fermion::benchmarks;

int main(int argc, char** argv) {
  std::string op, part, layer, json, python, trace;
  fer::Compute compute{.device = "cpu"};
  int threads = engine::Device().threads();
  bool step = false, once = false, peers = false, list = false;
  CLI::App app("Times every op, conv2d beside oneDNN, and the training step beside PyTorch.");
  app.add_option("--op", op, "one op only");
  app.add_option("--case", part, "of the cases, without those beside oneDNN, those whose name contains this");
  app.add_option("--device", compute.device, "cpu or cuda");
  app.add_option("--precision", compute.precision, "fp32, or on cuda bf16");
  app.add_flag("--once", once,
               "of an op the first such case, forward and backward, once for a profiler: nothing is timed");
  app.add_flag("--peers", peers, "on cuda, of conv2d or linear the layers beside cuDNN and cuBLAS");
  app.add_flag("--list", list, "prints the cases as JSON and times nothing");
  app.add_option("--trace", trace, "with --once: writes its calls to this file");
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
  if (list) {
    fmt::print("{}\n", case_list(op).dump());
    return 0;
  }
  try {
    engine::DeviceOptions options = fer::device_options(compute.device, threads);
    const bool cuda = options.kind == engine::DeviceOptions::Kind::cuda;
    const engine::DType dtype = fer::activations_in(fer::choose_precision(compute.precision, cuda));
    if (once && op.empty()) throw fer::UsageError("--once needs --op");
    const auto keep = [&](const nlohmann::json& results) {
      if (!json.empty()) fer::write_file(json, results.dump(2) + "\n");
    };
    if (peers && (!cuda || op.empty())) throw fer::UsageError("--peers needs --device cuda and --op");
    if (peers) {
      engine::Device device(options);
      const nlohmann::json results = bench_peers(device, op, part);
      keep(results);
      if (const std::size_t differ = results["differ"].size())
        throw engine::Error("{} comparisons with peers differ by more than they may", differ);
      return 0;
    }
    if (!once && !trace.empty()) throw fer::UsageError("--trace needs --once");
    if (once) {
      engine::Device device(options);
      fmt::print("{}, {}: once on {}\n", op, run_once(device, dtype, op, part, trace), device.name());
      return 0;
    }
    if (cuda && step) {
      keep({{"steps", bench_device_steps(options, dtype)}});
      return 0;
    }
    if (cuda) {
      engine::Device device(options);
      keep(bench_device_ops(device, dtype, op, part));
      return 0;
    }
    const Machine machine = measure_machine(threads);
    print(machine);
    nlohmann::json results{{"machine", machine.json()}};
    engine::Device device(options);
    if (!step && layer.empty()) results["ops"] = bench_ops(device, machine, op, part);
    if (!step && app.count("--case") == 0 && (op.empty() || op == "conv2d" || !layer.empty()))
      results["conv2d"] = bench_convolutions(device, layer);
    if (step || (op.empty() && layer.empty() && part.empty()))
      results["steps"] = bench_train_steps(machine, threads, python);
    keep(results);
  } catch (const fer::UsageError& error) {
    fmt::print(stderr, "bench: {}\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench: {}\n", error.what());
    return 1;
  }
  return 0;
}
