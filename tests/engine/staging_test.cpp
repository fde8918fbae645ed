// Values on their way to tensors.
#include "engine/staging.h"

#include <doctest/doctest.h>

#include "engine/error.h"
#include "engine/ops.h"
#include "tests/harness.h"

using namespace fermion;
using engine::DType;
using engine::Tensor;

namespace {

// Two tensors of different types, and what the host has for them.
struct Rig {
  engine::Device device{test::tested_device()};
  Tensor bytes = Tensor::zeros(device, DType::u8, {3, 7}), numbers = Tensor::zeros(device, DType::f32, {5});
  engine::Staging staging{{bytes, numbers}};

  void stage(int set) {
    std::vector<std::uint8_t> b(21, static_cast<std::uint8_t>(set));
    std::vector<float> n(5, 0.5f * static_cast<float>(set));
    staging.stage({std::as_bytes(std::span(b)), std::as_bytes(std::span(n))});
    // It is the caller's again.
    std::fill(b.begin(), b.end(), std::uint8_t{255});
    std::fill(n.begin(), n.end(), -1.0f);
  }
  void check_holds(int set) {
    CHECK(bytes.to_host<std::uint8_t>() == std::vector<std::uint8_t>(21, static_cast<std::uint8_t>(set)));
    CHECK(numbers.to_host<float>() == std::vector<float>(5, 0.5f * static_cast<float>(set)));
  }
};

}  // namespace

TEST_CASE("values reach their tensors when they are delivered, in the order in which they were staged") {
  Rig rig;
  const void* place = rig.bytes.address();
  rig.stage(1);
  rig.check_holds(0);
  for (int set = 1; set <= 5; ++set) {
    rig.stage(set + 1);
    rig.staging.deliver();
    rig.check_holds(set);
  }
  CHECK(rig.bytes.address() == place);
}

// Where a slot is filled again before its values have left it, in the host's memory the interpreter says so
// (PTXI_STREAMS=late), and in the device's what is delivered is a later set.
TEST_CASE("the host need not wait for what it has delivered") {
  Rig rig;
  const Tensor zeros = Tensor::zeros(rig.device, DType::f32, {1, 1, 1, 5});
  std::vector<Tensor> delivered;
  rig.stage(1);
  for (int set = 1; set <= 5; ++set) {
    rig.stage(set + 1);
    rig.staging.deliver();
    engine::Tape tape(rig.device, engine::Mode::evaluate);
    delivered.push_back(engine::residual_add(tape, rig.numbers.reshape(zeros.shape()), zeros));
  }
  rig.check_holds(5);
  for (std::size_t i = 0; i < delivered.size(); ++i)
    CHECK(delivered[i].to_host<float>() == std::vector<float>(5, 0.5f * static_cast<float>(i + 1)));
}

TEST_CASE("more than two sets, none, or values of other sizes are refused, and change nothing") {
  Rig rig;
  CHECK_THROWS_WITH_AS(rig.staging.deliver(), "no values are staged", engine::Error);
  const std::vector<std::byte> few(3);
  CHECK_THROWS_WITH_AS(rig.staging.stage({few}), "1 values are staged for 2 tensors", engine::Error);
  CHECK_THROWS_WITH_AS(rig.staging.stage({few, few}), "a tensor [3, 7] of 21 bytes was given 3 bytes",
                       engine::Error);
  rig.stage(1);
  rig.stage(2);
  CHECK_THROWS_WITH_AS(rig.stage(3), "two sets of values are staged already", engine::Error);
  rig.staging.deliver();
  rig.check_holds(1);
  rig.staging.deliver();
  rig.check_holds(2);
  rig.check_holds(2);
}
