// fer info --step beside what the interpreter counts in a step.
#include <cstdlib>
#include <doctest/doctest.h>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/cuda_devices.h"
#include "fer/step_info.h"
#include "fer/step_launches.h"
#include "tests/fer/answer.h"
#include "tests/harness.h"

using namespace fermion;
using namespace fermion::fer;

namespace {

// The launches of one training step, counted.
nlohmann::json counted(const std::filesystem::path& file, Words options) {
  const Words train{"train", "--device", "cuda", "--profile-steps", "1"};
  options.insert(options.begin(), train.begin(), train.end());
  const Answer answer = answer_to(options, [&] {
    ::setenv("PTXI_COUNTERS", file.c_str(), 1);
    ::setenv("PTXI_COUNTERS_RANGE", "1", 1);
    for (const char* check : {"PTXI_SHARED", "PTXI_INIT", "PTXI_RACE"}) ::setenv(check, "0", 1);
  });
  REQUIRE_MESSAGE(answer.status == 0, answer.text);
  std::ifstream in(file);
  return nlohmann::json::parse(in);
}

double distinct_bytes(const nlohmann::json& launch) {
  return 32 *
         (launch.at("unique_sectors_read").get<double>() + launch.at("unique_sectors_written").get<double>());
}

// In a mangled name, lengths lead.
bool is_kernel(const std::string& mangled, const std::string& name) {
  return mangled.find(std::to_string(name.size()) + name) != std::string::npos;
}

// Bytes that launches touch, by those that are stated.
struct Ratio {
  double touched = 0, stated = 0;

  void add(double bytes, double least) { touched += bytes, stated += least; }
  double value() const { return touched / stated; }
};

struct Ratios {
  Ratio all, others;  // the second, of what makes no gradient of a convolution's weights on tensor cores
};

// The parts of those gradients, in the workspace, do not count, however small the batch is.
bool makes_weights(const std::vector<StepLaunch>& rows, std::size_t i) {
  const auto is = [&](std::size_t at) {
    return rows[at].launch.kernel.find("wgrad_kernel") != std::string::npos;
  };
  return is(i) || (i > 0 && is(i - 1) && rows[i].launch.kernel == "add");
}

// Demands the same kernels in the same order, none of which touches less than is stated.
Ratios compare(const Words& settings, const std::string& precision) {
  const TemporaryFolder folder;
  TrainConfig config = drawn_faces_config();
  Words options{"--precision", precision, "--set", "faces=64"};
  for (const std::string& setting : settings) {
    set_option(config, setting);
    options.insert(options.end(), {"--set", setting});
  }
  const auto dtype = precision == "bf16" ? engine::DType::bf16 : engine::DType::f32;
  const std::vector<StepLaunch> rows = step_launches(config, dtype);
  const nlohmann::json launches = counted(folder / "counters.json", options).at("launches");
  Ratios ratios;
  for (std::size_t i = 0; i < std::min(rows.size(), launches.size()); ++i) {
    const auto kernel = launches[i].at("kernel").get<std::string>();
    REQUIRE_MESSAGE(is_kernel(kernel, rows[i].launch.kernel), "launch " << i << " of " << rows[i].call
                                                                        << " is " << kernel << ", not "
                                                                        << rows[i].launch.kernel);
    const double touched = distinct_bytes(launches[i]),
                 stated = rows[i].launch.work.bytes(engine::size_of(dtype));
    CHECK_MESSAGE(touched >= stated,
                  rows[i].call << ", " << rows[i].launch.kernel << ": " << touched << " of " << stated);
    ratios.all.add(touched, stated);
    if (!makes_weights(rows, i)) ratios.others.add(touched, stated);
  }
  CHECK(rows.size() == launches.size());
  MESSAGE(precision << ": " << launches.size() << " launches touch " << ratios.all.value()
                    << " times the bytes that are stated; without gradients by weights "
                    << ratios.others.value() << " times");
  return ratios;
}

bool interpreted() {
  const engine::CudaDevices there = engine::cuda_devices();
  return !there.devices.empty() && there.devices.front().interpreted;
}

}  // namespace

TEST_CASE("the interpreter counts the launches that are stated, in their order, and bytes near theirs") {
  if (test::tested_device().kind == engine::DeviceOptions::Kind::cpu || !interpreted()) return;
  SUBCASE("lnl-tiny in bf16") {
    const Ratios ratios = compare({"batch=4"}, "bf16");
    CHECK(ratios.others.value() <= 1.02);
    CHECK(ratios.all.value() <= 1.6);
  }
  // Plain kernels: narrow convolutions, whose gradients pass through the workspace in f32.
  SUBCASE("a narrow network in fp32") {
    CHECK(compare({"size=32", "width=4", "depth=2", "batch=4", "optimizer=sgd"}, "fp32").all.value() <= 1.2);
  }
}
