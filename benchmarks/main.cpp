// make bench: every op, conv2d beside oneDNN, and the training step. benchmarks/README.md says how to read
// the tables.
#define DOCTEST_CONFIG_IMPLEMENT
#include <CLI/CLI.hpp>
#include <algorithm>
#include <doctest/doctest.h>
#include <fmt/core.h>

#include "benchmarks/bars.h"
#include "benchmarks/case_list.h"
#include "benchmarks/comparison.h"
#include "benchmarks/convolutions.h"
#include "benchmarks/counted_ops.h"
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

namespace {

using nlohmann::json;

constexpr int counted_images = 4;

struct Options {
  std::string op, part, layer, json_file, python, trace, count, compare;
  std::vector<std::string> bars;
  fer::Compute compute{.device = "cpu"};
  int threads = engine::Device().threads(), images = counted_images;
  bool step = false, once = false, peers = false, list = false, any_case = true;
};

void add_options(CLI::App& app, Options& o) {
  app.add_option("--op", o.op, "one op only");
  app.add_option("--case", o.part,
                 "of the cases, without those beside oneDNN, those whose name contains this");
  app.add_option("--device", o.compute.device, "cpu or cuda");
  app.add_option("--precision", o.compute.precision, "fp32, or on cuda bf16");
  app.add_flag("--once", o.once,
               "of an op the first such case, forward and backward, once for a profiler: nothing is timed");
  app.add_flag("--peers", o.peers, "on cuda, of conv2d or linear the layers beside cuDNN and cuBLAS");
  app.add_option(
      "--count", o.count,
      "on an interpreted device: runs each lnl-base case once and writes to this file what the profiled "
      "ranges are");
  app.add_option("--images", o.images,
                 "with --count, or make bench GPU=interpreted: how many in a batch; default: 4")
      ->check(CLI::Range(1, 1024));
  app.add_option("--bars", o.bars,
                 "prints what was counted beside what is to be reached, from that file and the counters")
      ->expected(2);
  app.add_flag("--list", o.list, "prints the cases as JSON and times nothing");
  app.add_option("--trace", o.trace, "with --once: writes its calls to this file");
  app.add_option("--layer", o.layer,
                 "conv2d beside oneDNN only, and of its layers those whose name contains this");
  app.add_flag("--step", o.step, "the training step only");
  app.add_option("--threads", o.threads, "OpenMP threads; default: every core")->check(CLI::Range(1, 1024));
  app.add_option("--torch", o.python, "a Python with torch, whose step is timed beside ours")
      ->envname("FERMION_TORCH");
  app.add_option("--compare", o.compare,
                 "prints the quotients of these earlier results (--json) and the new ones");
  app.add_option("--json", o.json_file, "writes all figures to this file");
}

json read_json(const std::string& path) {
  const std::vector<std::uint8_t> bytes = fer::read_file(path);
  try {
    return json::parse(bytes.begin(), bytes.end());
  } catch (const json::exception&) {
    throw engine::Error("'{}' is no file of results: it is not JSON", path);
  }
}

json bars_of(const std::string& calls_file, const std::string& counters_file) {
  const json calls = read_json(calls_file), counters = read_json(counters_file);
  if (!calls.contains("calls")) throw engine::Error("'{}' is not what bench --count writes", calls_file);
  if (!counters.contains("launches"))
    throw engine::Error("'{}' holds no counters of the interpreter", counters_file);
  try {
    return print_bars(calls, counters);
  } catch (const json::exception&) {
    throw engine::Error("'{}' is not what bench --count writes, or '{}' holds other counters", calls_file,
                        counters_file);
  }
}

json run_on_cuda(const Options& o, const engine::DeviceOptions& device_options, engine::DType dtype) {
  if (o.step) return {{"steps", bench_device_steps(device_options, dtype)}};
  if (!o.count.empty()) {
    engine::DeviceOptions options = device_options;
    options.poison = true;  // every tensor has memory of its own, which the interpreter counts apart
    engine::Device device(options);
    fer::write_file(o.count, run_counted_ops(device, dtype, o.op, o.part, o.images).dump() + "\n");
    return {};
  }
  engine::Device device(device_options);
  return o.peers ? bench_peers(device, o.op, o.part) : bench_device_ops(device, dtype, o.op, o.part);
}

json run_on_cpu(const Options& o, const engine::DeviceOptions& device_options) {
  const bool steps = o.step || (o.op.empty() && o.layer.empty() && o.part.empty());
  if (steps && !o.python.empty()) check_torch(o.python);
  const Machine machine = measure_machine(o.threads);
  print(machine);
  json results{{"machine", machine.json()}};
  engine::Device device(device_options);
  if (!o.step && o.layer.empty()) results["ops"] = bench_ops(device, machine, o.op, o.part);
  if (!o.step && o.any_case && (o.op.empty() || o.op == "conv2d" || !o.layer.empty()))
    results["conv2d"] = bench_convolutions(device, o.layer);
  if (steps) results["steps"] = bench_train_steps(machine, o.threads, o.python);
  return results;
}

// The figures, or nothing where none are taken.
json run(const Options& o) {
  if (!o.bars.empty()) return bars_of(o.bars[0], o.bars[1]);
  const engine::DeviceOptions device_options = fer::device_options(o.compute.device, o.threads);
  const bool cuda = device_options.kind == engine::DeviceOptions::Kind::cuda;
  const engine::DType dtype = fer::activations_in(fer::choose_precision(o.compute.precision, cuda));
  if (o.once && o.op.empty()) throw fer::UsageError("--once needs --op");
  if (o.peers && (!cuda || o.op.empty())) throw fer::UsageError("--peers needs --device cuda and --op");
  if (!o.count.empty() && !cuda) throw fer::UsageError("--count needs --device cuda");
  if (o.count.empty() && o.images != counted_images)
    throw fer::UsageError("--images is of make bench GPU=interpreted");
  if (!o.once && !o.trace.empty()) throw fer::UsageError("--trace needs --once");
  if (o.once) {
    engine::Device device(device_options);
    fmt::print("{}, {}: once on {}\n", o.op, run_once(device, dtype, o.op, o.part, o.trace), device.name());
    return {};
  }
  return cuda ? run_on_cuda(o, device_options, dtype) : run_on_cpu(o, device_options);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Times every op, conv2d beside oneDNN, and the training step beside PyTorch.");
  add_options(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {  // --help is one too
    return app.exit(error) == 0 ? 0 : 2;
  }
  options.any_case = app.count("--case") == 0;
  const auto known = [&](const test::Registered& registered) { return registered.op == options.op; };
  if (!options.op.empty() && std::none_of(test::registry().begin(), test::registry().end(), known)) {
    fmt::print(stderr, "there is no op '{}'\n", options.op);
    return 2;
  }
  if (options.list) {
    fmt::print("{}\n", case_list(options.op).dump());
    return 0;
  }
  try {
    // Before what may take long.
    const json earlier = options.compare.empty() ? json() : read_json(options.compare);
    const json results = run(options);
    if (!options.json_file.empty() && !results.is_null())
      fer::write_file(options.json_file, results.dump(2) + "\n");
    if (!earlier.is_null() && !results.is_null()) print_comparison(earlier, results);
    if (const std::size_t differ = results.is_null() || !options.peers ? 0 : results["differ"].size())
      throw engine::Error("{} comparisons with peers differ by more than they may", differ);
  } catch (const fer::UsageError& error) {
    fmt::print(stderr, "bench: {}\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench: {}\n", error.what());
    return 1;
  }
  return 0;
}
