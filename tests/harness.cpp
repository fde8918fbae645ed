#include "tests/harness.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string_view>

#include "engine/error.h"
#include "tests/compare.h"
#include "tests/instruction_sets.h"
#include "tests/nan_check.h"
#include "tests/run_op.h"

namespace fermion::test {
namespace {

using engine::Device;
using engine::DType;
using engine::Error;

constexpr double epsilon = std::numeric_limits<float>::epsilon();

void expect(const std::string& what, const std::string& wrong) {
  if (!wrong.empty()) throw Error("{}: {}", what, wrong);
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) {
    return std::bit_cast<std::uint64_t>(x) == std::bit_cast<std::uint64_t>(y);
  });
}

void check_same_bits(const Result& a, const Result& b) {
  for (std::size_t o = 0; o < a.outputs.size(); ++o)
    if (!same_bits(a.outputs[o], b.outputs[o])) throw Error("two runs gave different outputs");
  for (std::size_t i = 0; i < a.gradients.size(); ++i)
    for (std::size_t part = 0; part < a.gradients[i].size(); ++part)
      if (!same_bits(a.gradients[i][part], b.gradients[i][part]))
        throw Error("two runs gave different gradients");
}

// What bf16 adds to the tolerance.
double rounding(const Target& target, const OpCase& test) {
  return target.dtype == DType::bf16 ? test.roundings * 0x1p-8 : 0;
}

// Errors of a sum grow with the root of its terms. Of the CPU's kernels no output needs more than
// eps sqrt(terms); twice that leaves room for other orders of summation.
double output_tolerance(const Target& target, const OpCase& test) {
  return 2 * epsilon * std::sqrt(test.terms) + rounding(target, test);
}

// `added`: the same run into gradients that held ones.
void check_added(const Target& target, const OpCase& test, const Result& result, const Result& added) {
  const char* kinds[] = {"gradient", "sum of da", "sum of da x_hat"};
  for (std::size_t i = 0; i < test.inputs.size(); ++i)
    for (std::size_t part = 0; part < result.gradients[i].size(); ++part) {
      std::vector<double> plus_one = result.gradients[i][part];
      for (double& g : plus_one) g += 1;
      expect(fmt::format("input '{}': {} added to ones", test.inputs[i].name, kinds[part]),
             compare(added.gradients[i][part], plus_one,
                     {.tolerance = 4 * epsilon + rounding(target, test), .scale = 1}));
    }
}

// `other`: of the same inputs, but the work was cut otherwise, or other instructions did it.
void same_but_for_rounding(const Target& target, const OpCase& test, const Result& result,
                           const Result& other, const std::string& how) {
  for (std::size_t o = 0; o < result.outputs.size(); ++o)
    expect(fmt::format("output {} {}", o, how),
           compare(other.outputs[o], result.outputs[o],
                   {.tolerance = output_tolerance(target, test), .sparse = true}));
  for (std::size_t i = 0; i < result.gradients.size(); ++i)
    for (std::size_t part = 0; part < result.gradients[i].size(); ++part)
      expect(fmt::format("input '{}': gradient {}", test.inputs[i].name, how),
             compare(other.gradients[i][part], result.gradients[i][part],
                     {.tolerance = gradient_tolerance(test, rounding(target, test)), .sparse = true}));
}

// Other numbers of threads, and every instruction set of this machine.
void check_cpu(const Target& target, const OpCase& test, std::uint64_t seed, const Result& result) {
  const auto check = [&](const Target& on, const std::string& how) {
    same_but_for_rounding(on, test, result, run_op(on, test, make_inputs(on, test, seed), cotangents(seed)),
                          how);
  };
  for (const int threads : {1, 4}) {
    Device device({.threads = threads, .poison = true});
    check({device}, fmt::format("with {} threads", threads));
  }
  if (is_small(test, result))
    on_every_instruction_set([&](const char* name) { check(target, fmt::format("with {}", name)); });
}

void check_case(const Target& target, const OpCase& test, std::uint64_t seed) {
  const auto inputs = [&] { return make_inputs(target, test, seed); };
  const Result result = run_op(target, test, inputs(), cotangents(seed));
  Reference reference(test, inputs(), seed, rounding(target, test));
  const std::vector<Array> expected = reference.outputs();
  if (expected.size() != result.outputs.size())
    throw Error("{} outputs instead of {}", result.outputs.size(), expected.size());
  for (std::size_t o = 0; o < expected.size(); ++o)
    expect(fmt::format("output {}", o),
           compare(result.outputs[o], expected[o].values,
                   {.tolerance = output_tolerance(target, test), .sparse = test.sparse}));
  if (any_gradient(test)) reference.check_gradients(result.gradients);
  check_same_bits(result, run_op(target, test, inputs(), cotangents(seed)));
  if (!target.device.is_cuda()) check_cpu(target, test, seed, result);
  if (target.dtype == DType::f32 || test.own_bf16) check_nan(target, test, seed, result);
  if (any_gradient(test))
    check_added(target, test, result, run_op(target, test, inputs(), cotangents(seed), true));
}

// What the tests were started with and the replay needs too: the build, the interpreter's schedule.
std::string surroundings() {
  std::string settings;
  for (const char* name : {"SAN", "GPU", "PTXI_ORDER", "PTXI_SEED", "PTXI_CPASYNC", "PTXI_CC"})
    if (const char* value = std::getenv(name)) settings += fmt::format("{}={} ", name, value);
  return settings;
}

// SEED, or 1.
std::uint64_t seed_of_run() {
  const char* chosen = std::getenv("SEED");
  if (!chosen || !*chosen) return 1;
  char* end = nullptr;
  const std::uint64_t seed = std::strtoull(chosen, &end, 10);
  if (*end) throw Error("SEED='{}' is no number", chosen);
  return seed;
}

}  // namespace

engine::DeviceOptions tested_device(int threads) {
  const char* device = std::getenv("DEVICE");
  if (device && std::string_view(device) == "cuda") return {.kind = engine::DeviceOptions::Kind::cuda};
  return {.threads = threads, .poison = true};
}

void run_case(const std::string& op, const OpCase& test) {
  const std::uint64_t seed = seed_of_run();
  engine::DeviceOptions options = tested_device();
  options.multiprocessors = test.persistent ? 1 : 0;
  const bool cuda = options.kind == engine::DeviceOptions::Kind::cuda;
  const char* dtype = "f32";
  try {
    Device device(options);
    if (!test.persistent) check_case({device}, test, seed);
    dtype = "bf16";
    if (cuda && test.roundings > 0) check_case({device, DType::bf16}, test, seed);
  } catch (const std::exception& error) {
    throw Error("{}: {}\n  replay: {}CASE='{}' SEED={} make test OP={} DEVICE={}", dtype, error.what(),
                surroundings(), test.name, seed, op, cuda ? "cuda" : "cpu");
  }
}

std::vector<Registered>& registry() {
  static std::vector<Registered> list;
  return list;
}

void run_named(const std::string& op, const std::vector<NamedTest>& tests) {
  const char* only = std::getenv("CASE");
  bool known = !only;
  for (const NamedTest& test : tests) {
    if (only && test.name != only) continue;
    known = true;
    if (test.elsewhere) continue;
    if (std::getenv("LIST"))
      fmt::print("{}: {}\n", op, test.name);
    else
      test.run();
  }
  if (!known) throw Error("{} has no case '{}'; make test OP={} LIST=1 names them", op, only, op);
}

void run_cases(const std::string& op, OpCases (*cases)(Batches)) {
  const bool cpu = tested_device().kind == engine::DeviceOptions::Kind::cpu;
  std::vector<NamedTest> tests;
  for (const OpCase& test : cases({}).tests)
    tests.push_back({test.name, [=] { run_case(op, test); }, cpu ? test.persistent : test.cpu_only});
  run_named(op, tests);
}

}  // namespace fermion::test
