// One case object per op gives its correctness test on every device, its gradient check, where NaNs go,
// bitwise rerun, other numbers of threads, every instruction set, accumulation into a gradient that is there
// already, and its benchmark.
//
//   FERMION_CASES(residual_add) {
//     OpCases cases;
//     for (...) cases.tests.push_back({.name = ..., .inputs = {feature("x", {2, 5, 7, 33})}, .op = ...,
//     .reference = ...}); return cases;
//   }
//
// The reference is the slowest honest float64 loop. It is given value(x) of features, so it knows nothing of
// norms. Gradients are compared with central differences of the reference. Every tensor ends in guard bytes
// and starts as NaNs, so that writes past the end and reads of nothing are seen.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/feature.h"
#include "engine/tape.h"

namespace fermion::test {

using engine::Feature;
using engine::Shape;
using engine::Tape;
using engine::Tensor;

// A float64 tensor of the reference. Indices may be fewer than dimensions only when the array is flat.
struct Array {
  Shape shape;
  std::vector<double> values;

  Array() = default;
  explicit Array(Shape s) : shape(s), values(static_cast<std::size_t>(s.size()), 0.0) {}

  template <class... I>
  double& operator()(I... i) {
    return values[offset({static_cast<std::int64_t>(i)...})];
  }
  template <class... I>
  double operator()(I... i) const {
    return values[offset({static_cast<std::int64_t>(i)...})];
  }

 private:
  // Here, so that the loops of references are compiled with it.
  std::size_t offset(std::initializer_list<std::int64_t> index) const {
    std::int64_t at = 0;
    int i = 0;
    for (const std::int64_t k : index) at = at * (index.size() == 1 ? 1 : shape[i++]) + k;
    return static_cast<std::size_t>(at);
  }
};

// The sum of products of `count` numbers from a and from b on. What references spend their time in.
inline double dot(const std::vector<double>& a, std::int64_t from_a, const std::vector<double>& b,
                  std::int64_t from_b, std::int64_t count) {
  const double *p = a.data() + from_a, *q = b.data() + from_b;
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < count; ++i) sum += p[i] * q[i];
  return sum;
}

struct Input {
  std::string name;
  Shape shape;
  enum class Fill {
    normal,
    uniform,
    positive,
    integers,
    bytes
  } fill = Fill::normal;  // positive: in [0.2, 2.2]
  double scale = 1;       // of normal and uniform values; the bound of integers
  bool norm = false;      // a feature with gain, shift and statistics
  bool relu = false;
  bool gradient = true;     // whether its gradient is wanted and checked
  bool always_f32 = false;  // a parameter, region weights, a loss; activations are of the case's element type
  // The i-th number instead of x, which was drawn.
  std::function<double(std::int64_t i, double x)> change = nullptr;

  Input without_gradient() const {
    Input i = *this;
    i.gradient = false;
    return i;
  }
};

inline Input tensor(std::string name, Shape shape, Input::Fill fill = Input::Fill::normal, double scale = 1) {
  return {std::move(name), shape, fill, scale};
}
// f32 whatever the activations are: parameters, region weights.
inline Input parameter(std::string name, Shape shape, Input::Fill fill = Input::Fill::normal,
                       double scale = 1) {
  return {std::move(name), shape, fill, scale, false, false, true, true};
}
// [N, H, W, C] or [K, N, H, W, C]; gains of both signs.
inline Input feature(std::string name, Shape shape, bool norm = true, bool relu = true) {
  return {std::move(name), shape, Input::Fill::normal, 1, norm, norm && relu};
}
// i32 in 0 .. bound - 1.
inline Input integers(std::string name, Shape shape, int bound) {
  return {std::move(name), shape, Input::Fill::integers, static_cast<double>(bound), false, false, false};
}

// What must be moved at least: everything is read and written once.
struct Traffic {
  double activations = 0;  // numbers of the activations' element type
  double other_bytes = 0;  // parameters, statistics, labels

  double bytes(engine::DType activation) const {
    return activations * static_cast<double>(engine::size_of(activation)) + other_bytes;
  }
};

struct OpCase {
  std::string name;
  std::vector<Input> inputs;
  // Plain tensors come as features without a norm: inputs[i].y.
  std::function<std::vector<Tensor>(Tape&, const std::vector<Feature>& inputs)> op;
  // Of a stochastic op, the reference repeats its Philox numbers: seed 7, step 3, path "case".
  std::function<std::vector<Array>(const std::vector<Array>& values)> reference;
  double terms = 1;  // length of the longest sum behind one output: tolerance 2 eps sqrt(terms) max|r|
  double gradient_terms = 1;  // the same for gradients, 4 eps
  // Zeros around the images may be multiplied, on CUDA, with weights and gradients of outputs, and zero
  // gradients there with inputs: a NaN in the former may also reach what lies at a border, one in an input
  // more of the weights' gradients, and only what it must reach is checked.
  bool padded = false;
  bool cpu_only = false;  // about how the CPU cuts its work
  // About kernels of bf16 whose blocks go from one piece of work to the next: tested there alone, with blocks
  // for one multiprocessor.
  bool persistent = false;
  bool cancels = false;  // a gradient of 0 is a difference, of a softmax over one number
  // Of bf16 activations: tensors between inputs and outputs that are rounded, the outputs included; each adds
  // 2^-8 max|r|, twice the error of rounding once. 0: the op is not tested in bf16.
  int roundings = 1;
  bool own_bf16 = false;  // bf16 has kernels of its own: NaNs are followed through them too
  bool sparse = false;    // more than nine tenths of an output or gradient may be zero
  // For benchmarks, forward and backward: a multiply-add counts two.
  double flops = 0;
  Traffic traffic = {};
  double backward_flops = 0;
  Traffic backward_traffic = {};
};

// Images of a benchmark's batch at the shapes of each preset.
struct Batches {
  std::int64_t tiny = 64, base = 16;
};

struct OpCases {
  std::vector<OpCase> tests;
  std::vector<OpCase> benchmarks;  // at model shapes; no reference needed
};

// The device under test: a CUDA device where DEVICE=cuda, else the CPU, with poisoned memory.
engine::DeviceOptions tested_device(int threads = 2);

// All checks of one case; throws with what failed and the command that replays it.
void run_case(const std::string& op, const OpCase& test);

struct Registered {
  std::string op;
  OpCases (*cases)(Batches);
};
std::vector<Registered>& registry();
// Runs the tests of one op, or the one named by the environment variable CASE; LIST=1 only prints the names.
struct NamedTest {
  std::string name;
  std::function<void()> run;
  bool elsewhere = false;  // on another device
};
void run_named(const std::string& op, const std::vector<NamedTest>& tests);
void run_cases(const std::string& op, OpCases (*cases)(Batches));

}  // namespace fermion::test

#define FERMION_CASES(op)                                                                             \
  static fermion::test::OpCases op##_cases(fermion::test::Batches);                                   \
  static const bool op##_registered = (fermion::test::registry().push_back({#op, op##_cases}), true); \
  TEST_CASE(#op) {                                                                                    \
    fermion::test::run_cases(#op, op##_cases);                                                        \
  }                                                                                                   \
  static fermion::test::OpCases op##_cases([[maybe_unused]] fermion::test::Batches batch)
