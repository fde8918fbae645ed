// --trace: a table by op and a timeline in Chrome's trace event format, which Perfetto opens.
#include <doctest/doctest.h>
#include <sstream>

#include "fer/info.h"
#include "fer/synth_dataset.h"
#include "fer/training_loop.h"
#include "tests/training/small_runs.h"

using namespace fermion;
using namespace fermion::fer;
using engine::Trace;

namespace {

// Two traced steps.
struct Traced {
  TrainConfig config = small_config();
  engine::Device device{{.threads = 1}};
  Dataset data = draw_dataset(0, config.faces, config.model.size, 1);
  TrainingStep training{device, config, measure_pixels(data.train, config.model.size), {}};

  Traced() {
    device.trace().enable();
    Batches batches(data.train, batch_options(config), 0);
    for (int i = 0; i < 2; ++i) training.run(batches.next(), 1e-3);
  }
  std::int64_t calls(const std::string& label) {
    const std::vector<Trace::Event>& events = device.trace().events();
    return std::count_if(events.begin(), events.end(),
                         [&](const auto& event) { return event.label == label; });
  }
};

}  // namespace

TEST_CASE("a traced step names the forward and the backward of every op by its layer") {
  Traced traced;
  std::map<std::string, int> times;
  for (const LayerRow& row : network_table(traced.config.model)) ++times[row.name];
  CHECK(times.size() > 20);
  for (const auto& [name, count] : times) {
    CHECK_MESSAGE(traced.calls(name) == 2 * count, name);
    CHECK_MESSAGE(traced.calls(name + " backward") == 2 * count, name);
  }
  for (const Trace::Event& event : traced.device.trace().events()) CHECK(!event.label.starts_with("/"));
  CHECK(traced.calls("input/augment") == 2);
  CHECK(traced.calls("unet.enc.0.conv1/conv2d") == 2);
  CHECK(traced.calls("loss/softmax_cross_entropy backward") == 6);
  CHECK(traced.calls("optimizer/adamw") == 2);
}

TEST_CASE("calls follow one another and remember the bytes in use, whose peak is the pool's") {
  Traced traced;
  double end = 0;
  std::size_t peak = 0;
  for (const Trace::Event& event : traced.device.trace().events()) {
    CHECK(event.start >= end);
    CHECK(event.seconds > 0);
    end = event.start + event.seconds;
    peak = std::max(peak, event.bytes);
  }
  CHECK(peak == traced.device.pool().statistics().peak);
}

TEST_CASE("the table sums calls, time and shares by op") {
  Traced traced;
  const std::string table = traced.device.trace().table();
  std::istringstream lines(table);
  std::string op, calls, ms, share;
  lines >> op >> calls >> ms >> share;
  CHECK(op == "op");
  std::int64_t all_calls = 0, conv2d_calls = 0;
  double all_ms = 0, all_shares = 0, last = 1e9;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.rfind("all ", 0) == 0) continue;
    // "conv2d backward" is two words, so the numbers are taken from behind.
    std::istringstream numbers(line.substr(32));
    std::int64_t row_calls;
    double row_ms, row_share;
    numbers >> row_calls >> row_ms >> row_share;
    if (line.rfind("conv2d  ", 0) == 0) conv2d_calls = row_calls;
    CHECK(row_ms <= last);
    last = row_ms;
    all_calls += row_calls, all_ms += row_ms, all_shares += row_share;
  }
  std::int64_t conv2d_events = 0;
  for (const Trace::Event& event : traced.device.trace().events())
    conv2d_events += event.label.ends_with("/conv2d");
  CHECK(conv2d_calls == conv2d_events);
  CHECK(all_calls == std::ssize(traced.device.trace().events()));
  CHECK(all_shares == doctest::Approx(100).epsilon(0.02));
  const std::string total = table.substr(table.find("\nall ") + 1);
  CHECK(std::stod(total.substr(40)) == doctest::Approx(all_ms).epsilon(0.01));
  CHECK(total.ends_with(fmt::format(
      "peak {:.1f} MiB\n", static_cast<double>(traced.device.pool().statistics().peak) / (1 << 20))));
}

TEST_CASE("after a million calls a trace only counts") {
  Trace trace;
  trace.enable();
  const engine::MemoryStatistics memory;
  for (int i = 0; i < 1'000'005; ++i) trace.span("layer/op", memory);
  CHECK(trace.events().size() == 1'000'000);
  CHECK(trace.table().ends_with("\n5 later calls are left out\n"));
}

TEST_CASE("fer train --trace writes what Perfetto needs of each event") {
  const TemporaryFolder folder;
  TrainOptions options;
  options.config = small_config();
  options.out = folder / "run";
  options.stop_after = 2;
  options.trace = folder / "run" / "trace.json";
  CHECK(train_command(options) == 130);
  const auto json = nlohmann::json::parse(text_of(options.trace));
  REQUIRE(json["traceEvents"].is_array());
  std::int64_t slices = 0, counters = 0;
  for (const nlohmann::json& event : json["traceEvents"]) {
    CHECK(event["name"].is_string());
    CHECK(event["pid"].is_number_integer());
    CHECK(event["ts"].get<double>() >= 0);
    if (event["ph"] == "X") {
      ++slices;
      CHECK(event["dur"].get<double>() > 0);
      CHECK(event["tid"].is_number_integer());
      CHECK(event["name"].get<std::string>().ends_with("/" + event["cat"].get<std::string>()));
    } else {
      ++counters;
      CHECK(event["ph"] == "C");
      CHECK(event["args"]["bytes"].get<std::int64_t>() > 0);
    }
  }
  CHECK(slices > 100);
  CHECK(counters == slices);
}

TEST_CASE("a trace that cannot be written is known before the first step") {
  const TemporaryFolder folder;
  TrainOptions options;
  options.config = small_config();
  options.out = folder / "run";
  options.trace = folder / "none" / "trace.json";
  CHECK_THROWS_WITH_AS(train_command(options),
                       ("cannot write the trace to '" + options.trace.string() +
                        "': check that the folder exists and has space")
                           .c_str(),
                       engine::Error);
  CHECK(!fs::exists(options.out));
}
