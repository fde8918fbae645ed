#include "tests/harness.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "engine/error.h"
#include "tests/compare.h"
#include "tests/nan_check.h"
#include "tests/run_op.h"

namespace fermion::test {
namespace {

using engine::Device;
using engine::Error;

constexpr double epsilon = std::numeric_limits<float>::epsilon();

void expect(const std::string& what, const std::string& wrong) {
  if (!wrong.empty()) throw Error("{}: {}", what, wrong);
}

void same_bits(const Result& a, const Result& b) {
  if (a.outputs != b.outputs) throw Error("two runs gave different outputs");
  if (a.gradients != b.gradients) throw Error("two runs gave different gradients");
}

// `added`: the same run into gradients that held ones.
void check_added(const OpCase& test, const Result& result, const Result& added) {
  const char* kinds[] = {"gradient", "sum of da", "sum of da x_hat"};
  for (std::size_t i = 0; i < test.inputs.size(); ++i)
    for (std::size_t part = 0; part < result.gradients[i].size(); ++part) {
      std::vector<double> plus_one = result.gradients[i][part];
      for (double& g : plus_one) g += 1;
      expect(fmt::format("input '{}': {} added to ones", test.inputs[i].name, kinds[part]),
             compare(added.gradients[i][part], plus_one, {.tolerance = 4 * epsilon, .scale = 1}));
    }
}

// With another number of threads work is cut otherwise; what comes out is the same but for rounding.
void check_threads(const OpCase& test, std::uint64_t seed, const Result& result, int threads) {
  Device device({.threads = threads, .poison = true});
  const Result other = run_op(device, test, make_inputs(device, test, seed), cotangents(seed));
  for (std::size_t o = 0; o < result.outputs.size(); ++o)
    expect(fmt::format("output {} with {} threads", o, threads),
           compare(other.outputs[o], result.outputs[o],
                   {.tolerance = 8 * epsilon * std::sqrt(test.terms), .sparse = true}));
  for (std::size_t i = 0; i < result.gradients.size(); ++i)
    for (std::size_t part = 0; part < result.gradients[i].size(); ++part)
      expect(fmt::format("input '{}': gradient with {} threads", test.inputs[i].name, threads),
             compare(other.gradients[i][part], result.gradients[i][part],
                     {.tolerance = 16 * epsilon * std::sqrt(test.gradient_terms), .sparse = true}));
}

void check_case(Device& device, const OpCase& test, std::uint64_t seed) {
  const std::vector<Feature> inputs = make_inputs(device, test, seed);
  const Result result = run_op(device, test, inputs, cotangents(seed));
  Reference reference(test, inputs, seed);
  const std::vector<Array> expected = reference.outputs();
  if (expected.size() != result.outputs.size())
    throw Error("{} outputs instead of {}", result.outputs.size(), expected.size());
  const double tolerance = 8 * epsilon * std::sqrt(test.terms);
  for (std::size_t o = 0; o < expected.size(); ++o)
    expect(fmt::format("output {}", o),
           compare(result.outputs[o], expected[o].values, {.tolerance = tolerance, .sparse = test.sparse}));
  same_bits(result, run_op(device, test, make_inputs(device, test, seed), cotangents(seed)));
  for (const int threads : {1, 4}) check_threads(test, seed, result, threads);
  check_nan(device, test, seed, result);
  if (!any_gradient(test)) return;
  reference.check_gradients(result.gradients);
  check_added(test, result, run_op(device, test, make_inputs(device, test, seed), cotangents(seed), true));
}

}  // namespace

std::size_t Array::offset(std::initializer_list<std::int64_t> index) const {
  std::int64_t at = 0;
  int i = 0;
  for (const std::int64_t k : index) at = at * (index.size() == 1 ? 1 : shape[i++]) + k;
  return static_cast<std::size_t>(at);
}

void run_case(const std::string& op, const OpCase& test) {
  const char* chosen = std::getenv("SEED");
  const std::uint64_t seed = chosen ? std::strtoull(chosen, nullptr, 10) : 1;
  try {
    Device device({.threads = 2, .poison = true});
    check_case(device, test, seed);
  } catch (const std::exception& error) {
    throw Error("{}\n  replay: CASE='{}' SEED={} make test OP={}", error.what(), test.name, seed, op);
  }
}

std::vector<Registered>& registry() {
  static std::vector<Registered> list;
  return list;
}

void run_cases(const std::string& op, OpCases (*cases)()) {
  const char* only = std::getenv("CASE");
  const bool list = std::getenv("LIST") != nullptr;
  for (const OpCase& test : cases().tests) {
    if (only && test.name != only) continue;
    if (list)
      fmt::print("{}: {}\n", op, test.name);
    else
      run_case(op, test);
  }
}

}  // namespace fermion::test
