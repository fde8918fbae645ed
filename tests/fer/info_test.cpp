#include "fer/info.h"

#include <cmath>
#include <doctest/doctest.h>
#include <map>

using namespace fermion;
using namespace fermion::fer;

namespace {

struct Total {
  std::int64_t parameters = 0;
  double macs = 0;
};

Total total(const ModelConfig& config) {
  Total sum;
  for (const LayerRow& row : network_table(config)) {
    sum.parameters += row.parameters;
    sum.macs += row.macs;
  }
  return sum;
}

// `value` in units of `unit`, rounded as docs/method.md prints it.
double rounded(double value, double unit, double step) {
  return std::round(value / unit / step) * step;
}

}  // namespace

TEST_CASE("the presets are as large as docs/method.md says") {
  const struct {
    const char* name;
    double millions, gflops;
  } presets[] = {{"lnl-tiny", 1.54, 0.447}, {"lnl-48", 1.54, 0.247}, {"lnl-base", 11.94, 6.656}};
  for (const auto& [name, millions, gflops] : presets) {
    INFO(std::string(name));
    const Total sum = total(preset(name));
    CHECK(rounded(static_cast<double>(sum.parameters), 1e6, 0.01) == doctest::Approx(millions));
    CHECK(rounded(2 * sum.macs, 1e9, 0.001) == doctest::Approx(gflops));
  }
}

TEST_CASE("the table counts every parameter once, whatever the switches") {
  for (const char* change : {"", "unet", "non_local", "feedback", "local"}) {
    INFO(std::string(change));
    ModelConfig config = preset("lnl-48");
    each_option(config, [&](const std::string& key, auto& value, const char*) {
      if constexpr (std::is_same_v<std::remove_reference_t<decltype(value)>, bool>) value = key != change;
    });
    engine::Device device;
    layers::Parameters parameters(device, 0);
    const Model model(parameters, config);
    CHECK(total(config).parameters == parameters.count());
  }
}

TEST_CASE("multiply-adds of heads as wide as they are deep") {
  ModelConfig config = preset("lnl-tiny");
  config.width = 2;
  config.classes = 8;
  double heads = 0;
  for (const LayerRow& row : network_table(config))
    if (row.name == "local.head/linear" || row.name == "non_local.head/linear") heads += row.macs;
  CHECK(heads == 17 * 8 * 8);
}

TEST_CASE("the plain stem costs about what the U-Net costs") {
  const auto cost = [](const ModelConfig& config, const std::string& part) {
    double macs = 0;
    for (const LayerRow& row : network_table(config))
      if (row.name.rfind(part, 0) == 0) macs += row.macs;
    return macs;
  };
  for (const int depth : {1, 2, 3, 4}) {
    ModelConfig config = preset("lnl-48"), plain = config;
    config.depth = plain.depth = depth;
    plain.unet = false;
    CHECK(cost(plain, "stem.") / cost(config, "unet.") == doctest::Approx(1).epsilon(0.06));
  }
}

TEST_CASE("multiply-adds by hand, lnl-tiny") {
  std::map<std::string, LayerRow> rows;
  for (const LayerRow& row : network_table(preset("lnl-tiny"))) rows[row.name] = row;
  const auto row = [&](const char* name) {
    REQUIRE_MESSAGE(rows.count(name), name);
    return rows[name];
  };
  CHECK(row("unet.enc.0.conv1/conv2d").macs == 64 * 64 * 16 * (9 * 3));
  CHECK(row("unet.enc.3.conv2/conv2d").macs == 8 * 8 * 128 * (9 * 128));
  CHECK(row("unet.dec.0.up/conv_transpose2d").macs == 16 * 16 * 64 * 128);
  CHECK(row("unet.dec.2.conv1/conv2d").macs == 64 * 64 * 16 * (9 * 32));
  CHECK(row("local.conv1/conv2d").macs == 16 * (16 * 16) * 32 * (9 * 16));
  CHECK(row("local.head/linear").macs == 16 * 64 * 7);
  CHECK(row("non_local.conv1/conv2d").macs == 32 * 32 * 32 * (9 * 16));
  CHECK(row("non_local.block1/attention").macs == 2 * 256 * 256 * 32);
  CHECK(row("non_local.score/conv2d").macs == 16 * 64);
  CHECK(row("head/linear").macs == 17 * 64 * 7);
  CHECK(row("unet.enc.1/max_pool2d").macs == 0);
  CHECK(row("local.conv1/conv2d").bytes == 16 * (16 * 16) * 32 * 4);
  CHECK(row("local.conv1/conv2d").output.text() == "[16, 1, 16, 16, 32]");
  CHECK(row("local.conv1/conv2d").parameters == 16 * (32 * 9 * 16 + 2 * 32));
}
