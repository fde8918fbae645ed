// metrics.json and the data inside report.html, against the run's network and faces.
#include <algorithm>
#include <doctest/doctest.h>

#include "fer/checkpoint.h"
#include "fer/evaluation.h"
#include "fer/report.h"
#include "fer/synth_dataset.h"
#include "tests/fer/minute_run.h"

using namespace fermion;
using namespace fermion::fer;
using nlohmann::json;

namespace {

constexpr int size = 16, faces = 400;

// A finished run, and what its best network says of the test faces.
struct Finished {
  TemporaryFolder folder;
  std::filesystem::path run = folder / "run";
  Dataset data = draw_dataset(0, faces, size, 1);
  CheckpointInfo last;
  Predictions predictions;
  json metrics, report;

  Finished() {
    TrainOptions options;
    for (const char* assignment : {"size=16", "width=4", "depth=1", "grid=2", "faces=400", "epochs=3",
                                   "batch=16", "threads=1", "lr=5e-3", "seed=4", "device=cpu"})
      set_option(options.config, assignment);
    options.out = run;
    REQUIRE(train_command(options) == 0);
    last = checkpoint_info(engine::read_safetensors(run / "last.safetensors"), run);
    const ReadyModel ready = ready_model(run / "best.safetensors");
    predictions = predict(*ready.loaded.model, *ready.device, ready.loaded.info.preprocessing, data.test, 16);
    metrics = read_json(run / "metrics.json");
    const std::vector<std::uint8_t> bytes = read_file(run / "report.html");
    const std::string page(bytes.begin(), bytes.end()), open = "id=\"report-data\">";
    const std::size_t begin = page.find(open) + open.size();
    report = json::parse(page.substr(begin, page.find("</script", begin) - begin));
  }
  int label(std::int64_t i) const { return data.test.samples[static_cast<std::size_t>(i)].label; }
};

const Finished& finished() {
  static const Finished run;
  return run;
}

// The mean of the faces that are chosen, halves rounded up.
template <class Chosen>
std::string mean_face(const Split& split, const Chosen& chosen) {
  Image mean{size, size, std::vector<std::uint8_t>(3 * size * size)};
  std::vector<std::int64_t> sum(mean.rgb.size(), 0);
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < split.size(); ++i) {
    if (!chosen(i)) continue;
    ++count;
    const Image face = face_of(split, i);
    for (std::size_t p = 0; p < sum.size(); ++p) sum[p] += face.rgb[p];
  }
  REQUIRE(count > 0);
  for (std::size_t p = 0; p < sum.size(); ++p)
    mean.rgb[p] = static_cast<std::uint8_t>((2 * sum[p] + count) / (2 * count));
  return data_uri(mean);
}

}  // namespace

TEST_CASE("speed, time, memory and seed are those of the training") {
  const Finished& run = finished();
  const json& metrics = run.metrics;
  CHECK(run.last.step == 3 * (faces / 16));
  CHECK(metrics["seconds"] == run.last.seconds);
  CHECK(metrics["seconds"] == run.last.epochs.back()["seconds"]);
  CHECK(metrics["images_per_second"].get<double>() ==
        doctest::Approx(static_cast<double>(run.last.step * 16) / run.last.seconds));
  CHECK(metrics["seed"] == 4);
  CHECK(metrics["best_epoch"] == run.last.best_epoch);
  // At least a parameter, its gradient, two moments and its average.
  CHECK(metrics["peak_bytes"].get<std::int64_t>() >= 5 * 4 * run.report["parameters"].get<std::int64_t>());
  CHECK(metrics["peak_bytes"] == run.last.peak_bytes);
  for (const char* key : {"images_per_second", "seconds", "peak_bytes", "seed", "best_epoch", "splits",
                          "region_auc", "deletion"})
    CHECK_MESSAGE(run.report[key] == metrics[key], key);
  CHECK(run.report["epochs"] == run.last.epochs);
  for (const char* key : {"value", "mean_map", "expression_map"})
    CHECK_MESSAGE(metrics["region_auc"][key].is_number(), key);
}

TEST_CASE("examples: of each class the first face that is named right, then the first that is not") {
  const Finished& run = finished();
  json expected = json::array();
  int right_ones = 0, ones = 0;
  for (int c = 0; c < 7; ++c)
    for (const bool right : {true, false})
      for (std::int64_t i = 0; i < run.predictions.faces; ++i) {
        const int called = run.predictions.label_of(i);
        if (run.label(i) != c || (called == c) != right) continue;
        const auto weights = run.predictions.weights_of(i);
        expected.push_back(
            {{"image", data_uri(face_of(run.data.test, i))},
             {"path", ""},
             {"label", run.data.class_names[static_cast<std::size_t>(c)]},
             {"prediction", run.data.class_names[static_cast<std::size_t>(called)]},
             {"probability", run.predictions.probabilities_of(i)[static_cast<std::size_t>(called)]},
             {"weights", std::vector<float>(weights.begin(), weights.end())}});
        right_ones += right, ++ones;
        break;
      }
  // The test means something only if there are some of both kinds.
  REQUIRE(right_ones > 1);
  REQUIRE(ones - right_ones > 1);
  REQUIRE(run.report["examples"].size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    for (const auto& [key, value] : expected[i].items()) {
      const bool equal = run.report["examples"][i][key] == value;
      CHECK_MESSAGE(equal, "example " << i << ": " << key);
    }
}

TEST_CASE("mean faces, of all and of each class, and each class's mean weights") {
  const Finished& run = finished();
  const bool all = run.report["mean_face"] == mean_face(run.data.test, [](std::int64_t) { return true; });
  CHECK(all);
  CHECK(run.report["mean_face_by_class"].size() == 7);
  for (int c = 0; c < 7; ++c) {
    const std::string& name = run.data.class_names[static_cast<std::size_t>(c)];
    INFO(name);
    const auto of_class = [&](std::int64_t i) { return run.label(i) == c; };
    const bool face = run.report["mean_face_by_class"][name] == mean_face(run.data.test, of_class);
    CHECK(face);
    std::vector<double> weights(4, 0.0);
    double count = 0;
    for (std::int64_t i = 0; i < run.predictions.faces; ++i) {
      if (!of_class(i)) continue;
      ++count;
      for (std::size_t k = 0; k < 4; ++k) weights[k] += run.predictions.weights_of(i)[k];
    }
    for (std::size_t k = 0; k < 4; ++k)
      CHECK(run.report["region_weights_by_class"][name][k].get<double>() ==
            doctest::Approx(weights[k] / count).epsilon(1e-6));
  }
}
