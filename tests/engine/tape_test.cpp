// Tensors, views and their gradients; what the tape records and how it walks back.
#include "engine/tape.h"

#include <doctest/doctest.h>
#include <limits>
#include <stdexcept>
#include <type_traits>

#include "engine/error.h"
#include "engine/ops.h"

using namespace fermion::engine;

namespace {

using Numbers = std::vector<float>;

// y = factor x
Tensor scale(Tape& tape, const Tensor& x, float factor) {
  const Tensor y = Tensor::empty(tape.device(), DType::f32, x.shape());
  tape.op(
      "scale", {{x}}, {y},
      [&](auto, auto) {
        for (std::int64_t i = 0; i < x.size(); ++i) y.data<float>()[i] = factor * x.data<float>()[i];
      },
      [=](auto, auto) {
        const auto dx = x.take_gradient<float>();
        const Tensor dy = y.gradient();
        for (std::int64_t i = 0; dx && i < x.size(); ++i) {
          const float before = dx.write == fermion::kernels::Write::accumulate ? dx.data[i] : 0;
          dx.data[i] = before + factor * dy.data<float>()[i];
        }
      });
  return y;
}

// The sum of all numbers of some tensors.
Tensor sum(Tape& tape, const std::vector<Tensor>& inputs) {
  const Tensor y = Tensor::zeros(tape.device(), DType::f32, {});
  tape.op(
      "sum", {inputs}, {y},
      [&](auto, auto) {
        for (const Tensor& x : inputs)
          for (std::int64_t i = 0; i < x.size(); ++i) *y.data<float>() += x.data<float>()[i];
      },
      [=](auto, auto) {
        const float dy = y.gradient().item<float>();
        for (const Tensor& x : inputs) {
          const auto dx = x.take_gradient<float>();
          for (std::int64_t i = 0; dx && i < x.size(); ++i)
            dx.data[i] = dy + (dx.write == fermion::kernels::Write::accumulate ? dx.data[i] : 0);
        }
      });
  return y;
}

struct Fixture {
  Device device{{.threads = 1, .poison = true}};
  Tensor x = Tensor::from<float>(device, {2, 3}, Numbers{1, 2, 3, 4, 5, 6});
  Fixture() { x.want_gradient(); }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "views share memory, and their gradients are views of its gradient") {
  const Tensor row = x.slice(1, 2), flat = x.reshape({6});
  CHECK(row.to_host<float>() == Numbers{4, 5, 6});
  flat.data<float>()[3] = 40;
  CHECK(row.item<float>() == 40);
  Tape tape(device, Mode::train);
  tape.backward(sum(tape, {scale(tape, row, 2)}));
  // Of the rows that nobody read the gradient is zero.
  CHECK(x.gradient().to_host<float>() == Numbers{0, 0, 0, 2, 2, 2});
  CHECK(row.gradient().to_host<float>() == Numbers{2, 2, 2});
}

TEST_CASE_FIXTURE(Fixture, "gradients of several readers add up, and the next step begins anew") {
  for (int step = 0; step < 2; ++step) {
    Tape tape(device, Mode::train);
    tape.backward(sum(tape, {scale(tape, x, 2), scale(tape, x.slice(0, 1), 10), x}));
    CHECK(x.gradient().to_host<float>() == Numbers{13, 13, 13, 3, 3, 3});
    x.clear_gradient();
    CHECK(!x.gradient());
  }
}

TEST_CASE_FIXTURE(Fixture, "what wants no gradient gets none, and evaluation records nothing") {
  const Tensor constant = Tensor::from<float>(device, {3}, Numbers{1, 1, 1});
  Tape tape(device, Mode::train);
  tape.backward(sum(tape, {scale(tape, constant, 3), scale(tape, x, 1)}));
  CHECK(!constant.gradient());
  CHECK(x.gradient());
  Tape evaluation(device, Mode::evaluate);
  CHECK(!scale(evaluation, x, 2).wants_gradient());
}

TEST_CASE_FIXTURE(Fixture, "the op that makes the first value that is not finite is named with its path") {
  const auto scope_of = [](Tape& tape) { return tape.scope("unet.enc.0"); };
  Tape forward(device, Mode::train);
  forward.check_finite();
  const auto scope = scope_of(forward);
  CHECK_THROWS_WITH_AS(scale(forward, x, std::numeric_limits<float>::infinity()),
                       doctest::Contains("unet.enc.0/scale made"), Error);
}

TEST_CASE_FIXTURE(Fixture, "what a kernel throws comes out as an error that names the op and its path") {
  Tape tape(device, Mode::train);
  const auto scope = tape.scope("unet.enc.0");
  const auto op = [&](bool forward, bool backward) {
    const Tensor y = Tensor::zeros(device, DType::f32, {});
    const auto work = [](bool fails) {
      if (fails) throw std::runtime_error("out of luck");
    };
    tape.op(
        "lottery", {{x}}, {y}, [=](auto, auto) { work(forward); }, [=](auto, auto) { work(backward); });
    return y;
  };
  CHECK_THROWS_WITH_AS(op(true, false), "unet.enc.0/lottery: out of luck", Error);
  CHECK_THROWS_WITH_AS(tape.backward(op(false, true)), "unet.enc.0/lottery backward: out of luck", Error);
}

TEST_CASE_FIXTURE(Fixture, "an op that reads features names itself and the shape that is none") {
  Tape tape(device, Mode::train);
  const auto scope = tape.scope("local");
  const std::string what = "a feature is [N, H, W, C] or [K, N, H, W, C], not [2, 3]";
  const auto message = [](const auto& call) -> std::string {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  CHECK(message([&] { average_pool(tape, x, 1); }) == "local/average_pool: " + what);
  CHECK(message([&] { max_pool2d(tape, x); }) == "local/max_pool2d: " + what);
  CHECK(message([&] { residual_add(tape, x, x); }) == "local/residual_add: " + what);
  CHECK(message([&] { conv2d(tape, {x}, x, {}); }) == "local/conv2d: " + what);
}

TEST_CASE_FIXTURE(Fixture,
                  "an op computes in the type of its activations, whatever it reads besides and makes") {
  Tape tape(device, Mode::evaluate);
  const Tensor half = Tensor::zeros(device, DType::bf16, {2}), index = Tensor::zeros(device, DType::i32, {2});
  const auto scope = tape.scope("head");
  const auto op = [&](const Operands& operands, const Tensor& y) {
    bool is_float = false;
    tape.op(
        "op", operands, {y}, [&]<class T>(auto, Type<T>) { is_float = std::is_same_v<T, float>; },
        [](auto, auto) {});
    return is_float;
  };
  CHECK(op({{x}}, index));
  CHECK(op({.floats = {x}, .others = {index}}, x));
  CHECK_THROWS_AS(op({.floats = {x}, .others = {index}}, half), Error);
  CHECK_THROWS_WITH_AS(op({{half}, {x}}, x), "head/op: bf16 needs a CUDA device; the CPU computes in f32",
                       Error);
  CHECK_THROWS_WITH_AS(
      op({{x}, {half}}, x),
      "head/op: given f32 [2, 3], bf16 [2]; activations are all f32 or all bf16, parameters, "
      "region weights and losses are f32",
      Error);
}

TEST_CASE_FIXTURE(Fixture, "a tensor is read as what it is") {
  CHECK_THROWS_AS(x.data<std::int32_t>(), Error);
  CHECK_THROWS_AS(x.reshape({5}), Error);
  CHECK_THROWS_AS(x.slice(1, 3), Error);
}
