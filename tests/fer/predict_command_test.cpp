#include "fer/predict_command.h"

#include <doctest/doctest.h>

#include "fer/evaluation.h"
#include "tests/fer/predicted_pictures.h"

using namespace fermion;
using namespace fermion::fer;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

std::vector<std::vector<std::string>> parse_csv(const std::string& text) {
  std::vector<std::vector<std::string>> rows(1, std::vector<std::string>(1));
  bool inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (inside && c == '"' && i + 1 < text.size() && text[i + 1] == '"')
      rows.back().back() += text[++i];
    else if (c == '"')
      inside = !inside;
    else if (!inside && c == ',')
      rows.back().emplace_back();
    else if (!inside && c == '\n')
      rows.emplace_back(1);
    else
      rows.back().back() += c;
  }
  rows.pop_back();
  return rows;
}

}  // namespace

TEST_CASE("pictures of faces are called what the evaluation counts") {
  const TemporaryFolder folder;
  for (std::int64_t i = 0; i < drawn().test.size(); ++i)
    write_png(folder / fmt::format("{:02}.png", i), face(i));
  const Result result = predict_all({folder.path()});
  CHECK(result.failures.empty());
  CHECK(result.warnings.empty());
  REQUIRE(result.predictions.images.size() == 16);

  ReadyModel model = ready_model(minute_run().best);
  const Predictions whole =
      predict(*model.loaded.model, *model.device, model.loaded.info.preprocessing, drawn().test, 16);
  std::vector<std::vector<int>> confusion(7, std::vector<int>(7));
  for (std::size_t i = 0; i < 16; ++i) {
    const PicturePrediction& image = result.predictions.images[i];
    CHECK(image.path == (folder / fmt::format("{:02}.png", i)).string());
    CHECK(std::ranges::equal(image.probabilities, whole.probabilities_of(static_cast<std::int64_t>(i))));
    CHECK(std::ranges::equal(image.weights, whole.weights_of(static_cast<std::int64_t>(i))));
    ++confusion[static_cast<std::size_t>(drawn().test.samples[i].label)]
               [static_cast<std::size_t>(image.label)];
  }
  CHECK(json(confusion) == read_json(minute_run().run / "metrics.json")["splits"]["test"]["confusion"]);
}

TEST_CASE("JSON and CSV hold the same numbers, unrounded") {
  const TemporaryFolder folder;
  for (const char* name : {"plain.png", "a, \"b\".png"}) write_png(folder / name, face(name[0] % 5));
  PredictOptions options;
  options.inputs = {folder.path()};
  options.model = minute_run().best;
  options.csv = folder / "out.csv";
  options.json = true;
  const Output output = run_command(options);
  CHECK(output.status == 0);
  const json images = json::parse(output.out).at("images");
  const std::vector<std::vector<std::string>> rows = parse_csv(string_of(options.csv));
  const std::vector<PicturePrediction> expected = predict_all({folder.path()}).predictions.images;
  REQUIRE(images.size() == 2);
  REQUIRE(rows.size() == 3);
  REQUIRE(rows[0].size() == 2 + 7 + 16);
  CHECK(rows[0][1] == "label");
  CHECK(rows[0][9] == "region_1_1");
  CHECK(rows[0][14] == "region_2_2");
  for (std::size_t i = 0; i < 2; ++i) {
    const json& image = images[i];
    const std::vector<std::string>& row = rows[i + 1];
    CHECK(image["path"] == expected[i].path);
    CHECK(row[0] == expected[i].path);
    CHECK(row[1] == image["label"]);
    CHECK(row[1] == drawn().class_names[static_cast<std::size_t>(expected[i].label)]);
    REQUIRE(image["probabilities"].size() == 7);
    for (std::size_t c = 0; c < 7; ++c) {
      CHECK(rows[0][2 + c] == drawn().class_names[c]);
      CHECK(image["probabilities"][rows[0][2 + c]].get<double>() == expected[i].probabilities[c]);
      CHECK(std::stod(row[2 + c]) == expected[i].probabilities[c]);
    }
    REQUIRE(image["regions"].size() == 4);
    for (std::size_t k = 0; k < 16; ++k) {
      CHECK(image["regions"][k / 4][k % 4].get<double>() == expected[i].weights[k]);
      CHECK(std::stod(row[9 + k]) == expected[i].weights[k]);
    }
  }
}

TEST_CASE("the table names label, probability and top region") {
  PicturePredictions predictions{{"neutral", "anger"}, 2, {}, {}};
  predictions.images.push_back({"faces/one.png", 1, {0.0284f, 0.9716f}, {0.5f, 1.0f, 2.25f, 0.25f}});
  predictions.images.push_back({"b.png", 0, {0.5f, 0.5f}, {1, 1, 1, 1}});
  CHECK(to_table(predictions) ==
        "path           label      probability  top region\n"
        "faces/one.png  anger           97.2 %  row 2, column 1 (weight 2.25)\n"
        "b.png          neutral         50.0 %  -\n");
}

TEST_CASE("bad files are named, and the others still done") {
  const TemporaryFolder folder;
  write_png(folder / "good.png", face(0));
  const std::string png = string_of(folder / "good.png");
  write_file(folder / "cut.png", png.substr(0, png.size() / 2));
  write_file(folder / "text.png", "no picture at all");
  write_file(folder / "empty.png", "");
  fs::create_directory(folder / "none");
  PredictOptions options;
  options.compute.device = "cpu";  // auto says why it is no CUDA device
  options.model = minute_run().best;
  options.inputs = {folder / "cut.png",     folder / "text.png", folder / "empty.png",
                    folder / "missing.png", folder / "none",     folder / "good.png"};
  const Result result = predict_with(options);
  REQUIRE(result.failures.size() == 5);
  CHECK(result.failures[0] == (folder / "none").string() + " holds no pictures");
  CHECK(contains(result.failures[1], (folder / "cut.png").string() + " is truncated or damaged"));
  CHECK(contains(result.failures[2], (folder / "text.png").string() + " is neither PNG nor JPEG"));
  CHECK(contains(result.failures[3], (folder / "empty.png").string() + " is empty"));
  CHECK(contains(result.failures[4], (folder / "missing.png").string() + ": no such file"));
  REQUIRE(result.predictions.images.size() == 1);
  CHECK(result.predictions.images[0].path == (folder / "good.png").string());

  const Output mixed = run_command(options);
  CHECK(mixed.status == 1);
  CHECK(contains(mixed.out, "good.png"));
  CHECK(!contains(mixed.out, "cut.png"));
  CHECK(contains(mixed.err, "fer: " + (folder / "cut.png").string() + " is truncated"));
  CHECK(std::ranges::count(mixed.err, '\n') == 6);
  options.inputs = {folder / "good.png"};
  const Output good = run_command(options);
  CHECK(good.status == 0);
  CHECK(good.err == "fer: note: this network learnt drawn faces; it does not read photographs\n");
  options.inputs = {folder / "missing.png"};
  options.json = true;
  const Output none = run_command(options);
  CHECK(none.status == 1);
  const json missing{{"path", (folder / "missing.png").string()},
                     {"error", (folder / "missing.png").string() + ": no such file"}};
  CHECK(json::parse(none.out) == json{{"images", json::array()}, {"failed", {missing}}});
  options.inputs = {folder / "none", folder / "cut.png", folder / "good.png"};
  options.csv = folder / "out.csv";
  const Output some = run_command(options);
  CHECK(some.status == 1);
  const json failed = json::parse(some.out).at("failed");
  REQUIRE(failed.size() == 2);
  CHECK(failed[0] == json{{"path", (folder / "none").string()},
                          {"error", (folder / "none").string() + " holds no pictures"}});
  CHECK(failed[1]["path"] == (folder / "cut.png").string());
  CHECK(contains(some.err, "fer: " + failed[1]["error"].get<std::string>() + "\n"));
  CHECK(parse_csv(string_of(options.csv)).size() == 2);
  options.inputs = {folder / "good.png"};
  CHECK(json::parse(run_command(options).out).at("failed") == json::array());
}

TEST_CASE("without a checkpoint named, the youngest run's best is taken") {
  const TemporaryFolder folder;
  CHECK(contains(error_of([&] { newest_checkpoint(folder / "runs"); }), "make train"));
  for (const char* run : {"a", "b", "c", "unfinished"}) fs::create_directories(folder / "runs" / run);
  CHECK(contains(error_of([&] { newest_checkpoint(folder / "runs"); }), "make train"));
  const auto now = fs::file_time_type::clock::now();
  for (const char* run : {"a", "b", "c"}) {
    const fs::path path = folder / "runs" / run / "best.safetensors";
    write_file(path, "x");
    fs::last_write_time(path, now - std::chrono::seconds(run[0] == 'b' ? 0 : 60));
  }
  CHECK(newest_checkpoint(folder / "runs") == folder / "runs" / "b" / "best.safetensors");
}
