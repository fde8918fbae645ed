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

// Demands the same kernels in the same order, none of which touches less than is stated; how many times the
// stated bytes all touch, those of sums of parts included.
double compare(const Words& settings, const std::string& precision) {
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
  double touched_by_all = 0, stated_of_all = 0;
  for (std::size_t i = 0; i < std::min(rows.size(), launches.size()); ++i) {
    const auto kernel = launches[i].at("kernel").get<std::string>();
    REQUIRE_MESSAGE(is_kernel(kernel, rows[i].launch.kernel), "launch " << i << " of " << rows[i].call
                                                                        << " is " << kernel << ", not "
                                                                        << rows[i].launch.kernel);
    const double touched = distinct_bytes(launches[i]),
                 stated = rows[i].launch.work.bytes(engine::size_of(dtype)) + rows[i].launch.scratch;
    CHECK_MESSAGE(touched >= stated,
                  rows[i].call << ", " << rows[i].launch.kernel << ": " << touched << " of " << stated);
    // What sums of parts leave is stated too.
    if (rows[i].launch.scratch > 0)
      CHECK_MESSAGE(touched <= 1.05 * stated,
                    rows[i].call << ", " << rows[i].launch.kernel << ": " << touched << " of " << stated);
    touched_by_all += touched, stated_of_all += stated;
  }
  CHECK(rows.size() == launches.size());
  MESSAGE(precision << ": " << launches.size() << " launches touch " << touched_by_all / stated_of_all
                    << " times the bytes that are stated");
  return touched_by_all / stated_of_all;
}

bool interpreted() {
  const engine::CudaDevices there = engine::cuda_devices();
  return !there.devices.empty() && there.devices.front().interpreted;
}

}  // namespace

TEST_CASE("the interpreter counts the launches that are stated, in their order, and bytes near theirs") {
  if (test::tested_device().kind == engine::DeviceOptions::Kind::cpu || !interpreted()) return;
  SUBCASE("lnl-tiny in bf16") {
    CHECK(compare({"batch=4"}, "bf16") <= 1.02);
  }
  // Plain kernels: narrow convolutions, whose gradients pass through the workspace in f32.
  SUBCASE("a narrow network in fp32") {
    CHECK(compare({"size=32", "width=4", "depth=2", "batch=4", "optimizer=sgd"}, "fp32") <= 1.2);
  }
}
