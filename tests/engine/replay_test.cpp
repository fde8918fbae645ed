// Work that is done once and queued again.
#include "engine/replay.h"

#include <doctest/doctest.h>

#include "engine/ops.h"
#include "tests/harness.h"

using namespace fermion;
using engine::Tape;
using engine::Tensor;

namespace {

// A step of two ops with a backward: z = dropout(a + b), and what z's first number says of a.
struct Step {
  explicit Step(engine::Device& device) : device(device) { a.want_gradient(); }

  void run() {
    a.clear_gradient();
    Tape tape(device, engine::Mode::train, {7, step});
    const auto scope = tape.scope("step");
    z = engine::dropout(tape, engine::residual_add(tape, a, b), 0.5f);
    loss = engine::weighted_sum(tape, {z.reshape({n}).slice(0, 1)}, {3.0f});
    tape.backward(loss);
  }

  static constexpr std::int64_t n = 4 * 5 * 6 * 8;
  engine::Device& device;
  Tensor a = Tensor::zeros(device, engine::DType::f32, {4, 5, 6, 8}), b = a.reshape(a.shape());
  Tensor step = Tensor::zeros(device, engine::DType::i32, {1}), z, loss;
};

std::vector<float> numbers(float scale) {
  std::vector<float> values;
  for (int i = 0; i < Step::n; ++i) values.push_back(scale * static_cast<float>(i + 1));
  return values;
}

}  // namespace

TEST_CASE("replayed work gives the bits of work done anew, with the inputs and the step of the time") {
  engine::Device device(test::tested_device());
  Step replayed(device), eager(device);
  engine::Replay replay(device);
  std::vector<std::vector<float>> outputs;
  for (std::int32_t t = 0; t < 6; ++t) {
    CAPTURE(t);
    for (Step* s : {&replayed, &eager}) {
      s->a.copy_from(numbers(1.0f + static_cast<float>(t / 2)));
      s->step.copy_from(std::vector<std::int32_t>{t});
    }
    replay.run([&] { replayed.run(); });
    eager.run();
    outputs.push_back(replayed.z.to_host<float>());
    CHECK(outputs.back() == eager.z.to_host<float>());
    CHECK(replayed.loss.item<float>() == eager.loss.item<float>());
    CHECK(replayed.a.gradient().to_host<float>() == eager.a.gradient().to_host<float>());
    // Other memory is taken and given back between two runs.
    Tensor::zeros(device, engine::DType::f32, {1000});
  }
  // Every step draws another mask, also of the same inputs.
  CHECK(outputs[4] != outputs[5]);
}

TEST_CASE(
    "a graph's memory is its own: whoever allocates after the capture is left alone, and leaves it alone") {
  engine::Device device(test::tested_device());
  Step step(device);
  engine::Replay replay(device);
  for (int t = 0; t < 3; ++t) replay.run([&] { step.run(); });
  const std::vector<float> ones(Step::n, 1.0f);
  std::vector<Tensor> others;
  for (int i = 0; i < 8; ++i) {
    others.push_back(Tensor::zeros(device, engine::DType::f32, {Step::n}));
    others.back().copy_from(ones);
  }
  replay.run([&] { step.run(); });
  for (const Tensor& other : others) CHECK(other.to_host<float>() == ones);
}

TEST_CASE("after a run that was watched, tensors may lie elsewhere, and what follows is captured anew") {
  engine::Device device(test::tested_device());
  Step replayed(device), eager(device);
  engine::Replay replay(device);
  Tensor held;
  for (int t = 0; t < 6; ++t) {
    CAPTURE(t);
    for (Step* s : {&replayed, &eager}) s->a.copy_from(numbers(1.0f + static_cast<float>(t)));
    if (t == 4) held = replayed.z;  // its place is taken
    device.set_profiled(t == 4);
    replay.run([&] { replayed.run(); });
    device.set_profiled(false);
    CHECK(replay.replayed() == (device.is_cuda() && t >= 2 && t != 4));
    eager.run();
    CHECK(replayed.z.to_host<float>() == eager.z.to_host<float>());
  }
}

TEST_CASE("work that needs more memory when it is captured is refused, and can be done again") {
  engine::Device device(test::tested_device());
  if (!device.is_cuda()) return;
  Step step(device);
  engine::Replay replay(device);
  std::vector<Tensor> more;
  const auto work = [&] {
    step.run();
    for (std::size_t i = 0; i < more.size(); ++i)
      more[i] = Tensor::empty(device, engine::DType::f32, {1 << 20});
  };
  for (int t = 0; t < 2; ++t) replay.run(work);
  more.resize(1);
  CHECK_THROWS_WITH_AS(replay.run(work), doctest::Contains("bytes more than the runs before it"),
                       engine::Error);
  CHECK(!replay.replayed());
  for (int t = 0; t < 3; ++t) {
    replay.run(work);
    CHECK(replay.replayed() == (t == 2));
  }
}

TEST_CASE("work that throws can be done again") {
  engine::Device device(test::tested_device());
  Step replayed(device), eager(device);
  engine::Replay replay(device);
  // Twice as usual and once while its kernels are captured.
  for (int t = 0; t < 3; ++t) {
    CAPTURE(t);
    CHECK_THROWS_AS(replay.run([&] { throw engine::Error("no"); }), engine::Error);
    replay.run([&] { replayed.run(); });
    eager.run();
    CHECK(replayed.z.to_host<float>() == eager.z.to_host<float>());
  }
}
