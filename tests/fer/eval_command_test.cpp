#include "fer/eval_command.h"

#include <cmath>
#include <doctest/doctest.h>

#include "engine/safetensors.h"
#include "fer/config.h"
#include "fer/synth_dataset.h"
#include "tests/fer/generated_sets.h"
#include "tests/fer/minute_run.h"

using namespace fermion;
using namespace fermion::fer;
using nlohmann::json;

namespace {

json evaluate(const std::string& split, const std::string& data = {}) {
  EvalOptions options;
  options.checkpoint = minute_run().best;
  options.split = split;
  options.data = data;
  return fer::evaluate(options);
}

// What evaluating the bytes as a checkpoint says.
std::string refusal_of(const std::string& bytes) {
  const TemporaryFolder folder;
  EvalOptions options;
  options.checkpoint = folder / "some.safetensors";
  write_file(options.checkpoint, bytes);
  const std::string error = error_of([&] { fer::evaluate(options); });
  CAPTURE(error);
  CHECK(contains(error, options.checkpoint.string()));
  return error;
}

std::string best_bytes() {
  const std::vector<std::uint8_t> bytes = read_file(minute_run().best);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("eval gives the figures of the run's report, to the bit") {
  const json splits = read_json(minute_run().run / "metrics.json").at("splits");
  REQUIRE(splits.size() == 2);
  for (const char* split : {"holdout", "test"}) {
    CAPTURE(split);
    json evaluation = evaluate(split);
    CHECK(evaluation["dataset"] == "synthetic faces");
    CHECK(evaluation["split"] == split);
    CHECK(evaluation["classes"].size() == 7);
    for (const char* key : {"dataset", "split", "classes"}) evaluation.erase(key);
    // Through text, since NaN shares are null there.
    CHECK(json::parse(evaluation.dump()) == splits[split]);
  }
  CHECK(evaluate("").dump() == evaluate("test").dump());
  CHECK(evaluate("train")["images"] == minute_faces);
}

TEST_CASE("faces in files are measured as those that were drawn") {
  const TemporaryFolder folder;
  const Dataset data = draw_dataset(0, minute_faces, minute_size, 1);
  for (std::int64_t i = 0; i < data.test.size(); ++i) {
    const auto label = static_cast<std::size_t>(data.test.samples[static_cast<std::size_t>(i)].label);
    const std::filesystem::path inside = folder / "test" / data.class_names[label];
    std::filesystem::create_directories(inside);
    write_png(inside / fmt::format("{:02}.png", i), face_of(data.test, i));
  }
  const json files = evaluate("", folder.path().string()), drawn = evaluate("test");
  CHECK(files["dataset"] == "folders");
  CHECK(files["split"] == "test");
  CHECK(files["images"] == 16);
  CHECK(files["confusion"] == drawn["confusion"]);
  CHECK(error_of([&] { evaluate("valid", folder.path().string()); }) ==
        "folders has no labelled faces in valid, only in test");
}

TEST_CASE("eval refuses other classes, and data or splits that are not there") {
  const TemporaryFolder folder;
  write_picture(folder / "set" / "test" / "contempt" / "a.png", 1);
  const std::string error = error_of([&] { evaluate("", (folder / "set").string()); });
  CHECK(contains(error, "tells apart neutral, happiness, sadness, surprise, fear, disgust, anger, but"));
  CHECK(contains(error, "labelled neutral, happiness, sadness, surprise, fear, disgust, anger, contempt"));
  CHECK_THROWS_AS(evaluate("validation"), UsageError);
  CHECK(contains(error_of([] { evaluate("valid"); }),
                 "synthetic faces has no labelled faces in valid, only in test, holdout, train"));
  CHECK(contains(error_of([&] { evaluate("", (folder / "none").string()); }), (folder / "none").string()));
  std::filesystem::create_directory(folder / "empty");
  CHECK(contains(error_of([&] { evaluate("", (folder / "empty").string()); }), (folder / "empty").string()));
}

TEST_CASE("a model of a data set needs to be told where that is") {
  const TemporaryFolder folder;
  engine::SafeTensors file = engine::read_safetensors(minute_run().best);
  json all = json::parse(file.metadata["fermion"]);
  all["config"]["data"] = "ferplus";
  file.metadata["fermion"] = all.dump();
  EvalOptions options;
  options.checkpoint = folder / "other.safetensors";
  engine::write_safetensors(options.checkpoint, file);
  CHECK_THROWS_AS(fer::evaluate(options), UsageError);
  CHECK(contains(error_of([&] { fer::evaluate(options); }), "trained on 'ferplus'"));
}

TEST_CASE("eval refuses what is no checkpoint") {
  EvalOptions options;
  options.checkpoint = minute_run().run / "none.safetensors";
  CHECK(contains(error_of([&] { fer::evaluate(options); }), "none.safetensors"));
  options.checkpoint = minute_run().run;
  CHECK(contains(error_of([&] { fer::evaluate(options); }), minute_run().run.string()));
  const std::string best = best_bytes();
  CHECK(contains(refusal_of(best.substr(0, best.size() / 2)), "bytes of data"));
  refusal_of("");
  refusal_of(std::string(1000, 'x'));
  // A safetensors file of nothing.
  const std::string foreign = "is no checkpoint of Fermion's: it says nothing of a network";
  CHECK(contains(refusal_of(std::string("\2\0\0\0\0\0\0\0{}", 10)), foreign));
  // And files in which another program has used Fermion's key.
  engine::SafeTensors other;
  for (const char* text : {"{}", R"({"seed": 3, "size": 32})", R"({"format": "pt"})"}) {
    CAPTURE(std::string(text));
    other.metadata["fermion"] = text;
    const TemporaryFolder folder;
    options.checkpoint = folder / "other.safetensors";
    engine::write_safetensors(options.checkpoint, other);
    CHECK(contains(error_of([&] { fer::evaluate(options); }), foreign));
  }
  other.metadata["fermion"] = R"({"format": 2})";
  const TemporaryFolder folder;
  engine::write_safetensors(folder / "later.safetensors", other);
  options.checkpoint = folder / "later.safetensors";
  CHECK(contains(error_of([&] { fer::evaluate(options); }), "its format is 2, not 1"));
  std::string flipped = best;
  flipped[best.size() - 9] ^= 1;
  CHECK(contains(refusal_of(flipped), "checksum"));
}

TEST_CASE("eval refuses a checkpoint of another model") {
  const TemporaryFolder folder;
  const engine::SafeTensors best = engine::read_safetensors(minute_run().best);
  EvalOptions options;
  options.checkpoint = folder / "other.safetensors";
  const auto refusal = [&](const auto& change) {
    engine::SafeTensors file = best;
    change(file);
    engine::write_safetensors(options.checkpoint, file);
    return error_of([&] { fer::evaluate(options); });
  };
  const auto with_config = [&](const char* key, const json& value) {
    return refusal([&](engine::SafeTensors& file) {
      json all = json::parse(file.metadata["fermion"]);
      all["config"][key] = value;
      file.metadata["fermion"] = all.dump();
    });
  };
  CHECK(contains(refusal([](engine::SafeTensors& file) { file.tensors.pop_back(); }), "does not fit"));
  CHECK(contains(with_config("width", 8), "does not fit its own network"));
  CHECK(contains(with_config("size", 48), "32 px for a network that reads 48 px"));
  CHECK(contains(with_config("grid", 0), "other.safetensors"));
  CHECK(contains(with_config("classes", 8), "class names"));
  CHECK(contains(with_config("depth", "three"), "depth"));
}

TEST_CASE("eval as a table") {
  const json evaluation = {{"dataset", "FER+"},
                           {"split", "valid"},
                           {"images", 4},
                           {"classes", {"neutral", "anger", "contempt"}},
                           {"accuracy", 0.75},
                           {"accuracy_interval", {0.3006, 0.9544}},
                           {"mean_class_accuracy", 5.0 / 6},
                           {"macro_f1", 0.5},
                           {"ece", 0.1},
                           {"confusion", {{2, 1, 0}, {0, 1, 0}, {0, 0, 0}}},
                           {"recall", {{"neutral", 2.0 / 3}, {"anger", 1.0}, {"contempt", nullptr}}},
                           {"precision", {{"neutral", 1.0}, {"anger", 0.5}, {"contempt", std::nan("")}}}};
  CHECK(evaluation_table(evaluation) ==
        "FER+, valid: 4 faces\n\n"
        "accuracy              75.00 %  (95 %: 30.06 to 95.44)\n"
        "mean class accuracy   83.33 %  (of the 2 classes that have faces)\n"
        "macro F1              50.00 %  (of the 2 classes that have faces)\n"
        "calibration error     10.00 %\n\n"
        "true, called   neutral     anger  contempt  recall %\n"
        "neutral              2         1         0     66.67\n"
        "anger                0         1         0    100.00\n"
        "contempt             0         0         0         -\n"
        "precision %     100.00     50.00         -\n");
}
