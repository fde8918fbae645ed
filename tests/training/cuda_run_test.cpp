// A whole run on CUDA: what it writes, how it goes on, who can read it. On the CPU other tests do the same.
#include <cmath>
#include <doctest/doctest.h>

#include "fer/eval_command.h"
#include "fer/run.h"
#include "fer/synth_dataset.h"
#include "tests/fer/answer.h"
#include "tests/fer/minute_run.h"
#include "tests/harness.h"
#include "tests/training/small_runs.h"

using namespace fermion;
using namespace fermion::fer;

namespace {

// Two steps of sixteen faces.
TrainConfig tiny_config(const char* precision) {
  TrainConfig config = small_config({"faces=32", "epochs=1", "device=cuda"});
  config.precision = precision;
  return config;
}

Predictions predictions_of(const fs::path& checkpoint, const Compute& compute) {
  ReadyModel ready = ready_model(checkpoint, compute);
  const Dataset data = draw_dataset(0, 32, 16, 1);
  return predict(*ready.loaded.model, *ready.device, ready.loaded.info.preprocessing, data.test, 16);
}

double largest_difference(const Predictions& a, const Predictions& b) {
  REQUIRE(a.probabilities.size() == b.probabilities.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.probabilities.size(); ++i)
    largest = std::max(largest, static_cast<double>(std::abs(a.probabilities[i] - b.probabilities[i])));
  return largest;
}

}  // namespace

TEST_CASE("a run on CUDA names device and precision, goes on to the bit, and is measured on any device") {
  if (test::tested_device().kind == engine::DeviceOptions::Kind::cpu) return;
  const TemporaryFolder folder;
  const fs::path run = folder / "run", stopped = folder / "stopped", best = run / "best.safetensors";
  const std::string device = engine::Device(test::tested_device()).name();
  CHECK(train(run, tiny_config("auto"), -1) == 0);

  TrainConfig written;
  read_toml(written, run / "config.toml");
  CHECK(written.device == "cuda");
  CHECK(written.precision == "bf16");
  CHECK(info_of(best).config.precision == "bf16");
  const nlohmann::json metrics = read_json(run / "metrics.json");
  CHECK(metrics["device"] == device);
  CHECK(metrics["precision"] == "bf16");
  CHECK(metrics["peak_bytes"].get<double>() > 1e6);
  CHECK(contains(text_of(run / "report.html"), "\"precision\":\"bf16\""));
  CHECK(contains(text_of(run / "report.html"), device));

  CHECK(train(stopped, tiny_config("auto"), 1) == 130);
  CHECK(resume(stopped, -1) == 0);
  CHECK(difference(run, stopped) == "");

  EvalOptions options;
  options.checkpoint = best;
  options.split = "test";
  options.compute = {"cuda", "auto"};
  nlohmann::json test = evaluate(options);
  for (const auto& [key, value] : metrics["splits"]["test"].items())
    CHECK_MESSAGE(nlohmann::json::parse(test[key].dump()) == value, key);

  const Predictions cpu = predictions_of(best, {"cpu", "auto"});
  CHECK(largest_difference(predictions_of(best, {"cuda", "fp32"}), cpu) < 1e-5);
  const double rounded = largest_difference(predictions_of(best, {"cuda", "auto"}), cpu);
  MESSAGE("bf16 moves probabilities by " << rounded << " at most");
  CHECK(rounded > 0);
  CHECK(rounded < 0.02);
}

TEST_CASE("a checkpoint of the CPU is evaluated on CUDA in its precision, fp32") {
  if (test::tested_device().kind == engine::DeviceOptions::Kind::cpu) return;
  const TemporaryFolder folder;
  CHECK(train(folder / "run", small_config({"faces=32", "epochs=1", "device=cpu"}), -1) == 0);
  const fs::path best = folder / "run" / "best.safetensors";
  ReadyModel ready = ready_model(best, {"cuda", "auto"});
  CHECK(ready.loaded.info.preprocessing.dtype == engine::DType::f32);
  CHECK(largest_difference(predictions_of(best, {"cuda", "auto"}), predictions_of(best, {"cpu", "auto"})) <
        1e-5);
}
