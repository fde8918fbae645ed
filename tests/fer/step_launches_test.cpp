#include "fer/step_launches.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <numeric>
#include <regex>

#include "fer/info.h"
#include "fer/step_info.h"
#include "tests/fer/answer.h"

using namespace fermion;
using namespace fermion::fer;
using engine::DType;

namespace {

TrainConfig config_of(const std::string& preset_name) {
  TrainConfig config = step_config();
  set_option(config, "preset=" + preset_name);
  return config;
}

bool is_forward(const StepLaunch& row) {
  return !row.call.ends_with(" backward") && row.call != "loss/fill" && !row.call.starts_with("optimizer/");
}

// Of lnl-base, batch 64, in bf16.
const std::vector<StepLaunch>& base_launches() {
  static const std::vector<StepLaunch> launches = step_launches(step_config(), DType::bf16);
  return launches;
}

// The launches of one call of it.
std::vector<engine::Launch> launches_of(const std::string& call) {
  std::vector<engine::Launch> found;
  for (const StepLaunch& row : base_launches())
    if (row.call == call) found.push_back(row.launch);
  return found;
}

}  // namespace

TEST_CASE("bytes and flops by hand, lnl-base, batch 64") {
  // 3x3, 64 to 64 channels, 56 x 56 pixels.
  const double pixels = 64 * 56 * 56, weight = 64 * 9 * 64, flops = 2 * pixels * 64 * 9 * 64;
  const auto forward = launches_of("unet.enc.1.conv2/conv2d");
  REQUIRE(forward.size() == 1);
  CHECK(forward[0].kernel == "conv_kernel");
  CHECK(forward[0].work.flops == flops);
  CHECK(forward[0].work.bytes(2) == 2 * (2 * pixels * 64) + 4 * weight);
  // 14.8 GFLOP at 312 TFLOP/s take longer than 51.5 MB at 2039 GB/s; H200's 4.8 TB/s and 989 TFLOP/s
  // likewise.
  const Floor a100 = floor_of(forward[0], DType::bf16, chips[0]);
  CHECK(1e6 * a100.seconds == doctest::Approx(47.43).epsilon(1e-4));
  CHECK(!a100.by_memory);
  const Floor h100 = floor_of(forward[0], DType::bf16, chips[1]);
  CHECK(1e6 * h100.seconds == doctest::Approx(15.38).epsilon(1e-3));
  CHECK(h100.by_memory);

  const auto backward = launches_of("unet.enc.1.conv2/conv2d backward");
  REQUIRE(backward.size() == 4);
  CHECK(backward[0].work.bytes(2) == 2 * 3 * pixels * 64);    // da, y; dy
  CHECK(backward[1].work.bytes(2) == 2 * (2 * pixels * 64));  // x, dy; its sums are put together later
  CHECK(backward[2].work.bytes(2) == 4 * weight);
  CHECK(backward[3].work.bytes(2) == 2 * (3 * pixels * 64) + 4 * weight);  // dy, x for its ReLU; da
  CHECK(backward[1].work.flops + backward[3].work.flops == 2 * flops);
}

TEST_CASE("the second reader's gradient is added to the first's") {
  // What the first level hands to the pooling was read by the decoder too, whose backward comes first.
  const double x = 64.0 * 112 * 112 * 32;
  const auto pool = launches_of("unet.enc.1/max_pool2d backward");
  REQUIRE(pool.size() == 2);
  CHECK(pool[0].work.activations == x / 4 + x + 2 * x);
  // The decoder's wrote; it read y, of both inputs wrote da, of the one with a norm it read x.
  CHECK(launches_of("unet.dec.3.conv1/conv2d backward").back().work.activations == x + 2 * x + x);
}

TEST_CASE("the step's forward makes the flops of fer info's table") {
  for (const char* change : {"", "unet", "non_local", "feedback", "local"})
    for (const DType dtype : {DType::f32, DType::bf16}) {
      TrainConfig config = config_of("lnl-48");
      if (*change) set_option(config, std::string(change) + "=false");
      INFO(std::string(change));
      double macs = 0, flops = 0;
      for (const LayerRow& row : network_table(config.model)) macs += static_cast<double>(row.macs);
      for (const StepLaunch& row : step_launches(config, dtype))
        if (is_forward(row)) flops += row.launch.work.flops;
      CHECK(flops == 2 * macs * config.batch);
    }
}

TEST_CASE("bf16 products are on tensor cores but for the heads; fp32 ones are not") {
  double all = 0, on_tensor_cores = 0;
  for (const StepLaunch& row : base_launches()) {
    all += row.launch.work.flops;
    if (row.launch.tensor_cores) on_tensor_cores += row.launch.work.flops;
  }
  CHECK(on_tensor_cores / all > 0.999);
  for (const StepLaunch& row : step_launches(config_of("lnl-tiny"), DType::f32))
    CHECK(!row.launch.tensor_cores);
}

TEST_CASE("fer info --step adds up by op and direction, the longest on an H100 first") {
  const std::string text = answer_to({"info", "--step"}, hide_gpus).text;
  CHECK(contains(text, "scratch MB"));
  // Floors are in the last three columns.
  const std::regex row(R"(\n(\S+(?: backward)?) +(\d+) launch.* \S+ +(\S+) +\S+ *(?=\n))");
  std::vector<std::string> names;
  std::vector<double> launches, times;
  for (std::sregex_iterator at(text.begin(), text.end(), row), end; at != end; ++at) {
    names.push_back((*at)[1]);
    launches.push_back(std::stod((*at)[2]));
    times.push_back(std::stod((*at)[3]));
  }
  // Behind the ops are forward, backward, optimizer and step.
  REQUIRE(names.size() == 35);
  CHECK(names.front() == "conv2d backward");
  CHECK(names.back() == "step");
  CHECK(std::is_sorted(times.begin(), times.end() - 4, std::greater()));
  CHECK(std::accumulate(times.begin(), times.end() - 4, 0.0) == doctest::Approx(times.back()).epsilon(1e-4));
  CHECK(std::accumulate(launches.begin(), launches.end() - 4, 0.0) == launches.back());
}

TEST_CASE("fer info --step --tiles says how each layer on tensor cores is cut, by chip") {
  const std::string text = answer_to({"info", "--step", "--tiles"}, hide_gpus).text;
  CHECK(
      contains(text,
               "| unet.enc.3.conv2/conv2d | conv_kernel | 128 tiles of 8 x 14 px; a block: 4 tiles, 64 "
               "channels, 1 / 2 of the depth | 0.79 | 128 tiles of 8 x 14 px; a block: 4 tiles, 64 channels "
               "| 0.97 |"));
  CHECK(contains(text, "| non_local.block1/attention | attend_mma | 448 blocks of 128 rows | 0.69 |"));
  check_refused({"info", "--step", "--tiles", "--precision", "fp32"}, 2,
                "no launch of this step is on tensor cores; they take bf16");
  check_refused({"info", "--tiles"}, 2, "--tiles requires --step");
}

TEST_CASE("fer info --step prints every launch and their sum, as a table and as JSON") {
  const Words small{"info", "--step", "--preset", "lnl-tiny", "--set", "batch=8"};
  const auto with = [&](Words more) {
    more.insert(more.begin(), small.begin(), small.end());
    return answer_to(more, hide_gpus);
  };
  const Answer table = with({});
  CHECK(table.status == 0);
  CHECK(contains(table.text, "unet.enc.0.conv1/conv2d backward"));
  CHECK(contains(table.text, "conv_kernel (dgrad)"));
  CHECK(contains(table.text, "a step of 8 faces can take, bf16"));
  const auto json = nlohmann::json::parse(with({"--json"}).text);
  double seconds = 0, bytes = 0;
  for (const auto& launch : json.at("launches")) {
    seconds += launch.at("floors").at("A100").at("seconds").get<double>();
    bytes += launch.at("bytes").get<double>();
  }
  CHECK(json.at("launches").size() > 150);
  CHECK(json.at("bytes") == doctest::Approx(bytes));
  CHECK(json.at("floors").at("A100").at("seconds") == doctest::Approx(seconds));
  CHECK(contains(with({"--precision", "fp32"}).text, "can take, fp32"));
  CHECK(contains(with({"--set", "optimizer=sgd"}).text, "optimizer/sgd"));
  CHECK(contains(answer_to({"info", "--step"}).text, "a step of 64 faces can take, bf16"));

  check_refused({"info", "--step", "--options"}, 2,
                "fer: --options excludes --step; fer info --help explains");
  check_refused({"info", "--precision", "fp32"}, 2, "--precision requires --step");
  check_refused({"info", "--step", "--precision", "fp16"}, 2,
                "option 'precision' is one of auto, fp32, bf16, not 'fp16'");
  check_refused({"info", "--step", "--set", "batch=0"}, 2, "fer: option 'batch' lies between 1 and 65536");
}
