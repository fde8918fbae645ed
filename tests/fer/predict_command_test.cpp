#include "fer/predict_command.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "fer/eval_command.h"
#include "fer/overlay.h"
#include "fer/synth_dataset.h"
#include "tests/fer/generated_sets.h"
#include "tests/fer/minute_run.h"

using namespace fermion;
using namespace fermion::fer;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

const Dataset& drawn() {
  static const Dataset data = draw_dataset(0, minute_faces, minute_size, 1);
  return data;
}

Image face(std::int64_t i) {
  return face_of(drawn().test, i);
}

struct Result {
  PicturePredictions predictions;
  std::vector<std::string> warnings, failures;

  const std::vector<float>& probabilities() const { return predictions.images.at(0).probabilities; }
};

Result predict_with(PredictOptions options) {
  Result result;
  ReadyModel model = ready_model(minute_run().best);
  result.predictions = predict_pictures(
      model, options, [&](const std::string& text) { result.warnings.push_back(text); },
      [&](const std::string& text) { result.failures.push_back(text); });
  return result;
}

Result predict_all(const std::vector<fs::path>& inputs) {
  PredictOptions options;
  options.inputs = inputs;
  return predict_with(options);
}

// What one picture, written as PNG, gives.
Result predict_image(const Image& image, std::optional<Box> box = {}) {
  const TemporaryFolder folder;
  write_png(folder / "a.png", image);
  PredictOptions options;
  options.inputs = {folder / "a.png"};
  options.box = box;
  return predict_with(options);
}

std::string string_of(const fs::path& path) {
  const std::vector<std::uint8_t> bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

// Exit status and what goes to stdout and stderr.
struct Output {
  int status;
  std::string out, err;
};

Output run_command(const PredictOptions& options) {
  const TemporaryFolder folder;
  int kept[2], status = -1;
  std::fflush(nullptr);
  for (int stream : {1, 2}) {
    kept[stream - 1] = ::dup(stream);
    std::FILE* file = std::fopen((folder / std::to_string(stream)).c_str(), "w");
    ::dup2(::fileno(file), stream);
    std::fclose(file);
  }
  try {
    status = predict_command(options);
  } catch (const std::exception&) {
  }
  std::fflush(nullptr);
  for (int stream : {1, 2}) {
    ::dup2(kept[stream - 1], stream);
    ::close(kept[stream - 1]);
  }
  return {status, string_of(folder / "1"), string_of(folder / "2")};
}

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
  PicturePredictions predictions{{"neutral", "anger"}, 2, {}};
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
  options.model = minute_run().best;
  options.inputs = {folder / "cut.png",     folder / "text.png", folder / "empty.png",
                    folder / "missing.png", folder / "none",     folder / "good.png"};
  const Result result = predict_with(options);
  REQUIRE(result.failures.size() == 5);
  CHECK(result.failures[0] == (folder / "none").string() + " holds no pictures");
  CHECK(contains(result.failures[1], (folder / "cut.png").string() + " is truncated or damaged"));
  CHECK(contains(result.failures[2], (folder / "text.png").string() + " is not an image"));
  CHECK(contains(result.failures[3], (folder / "empty.png").string() + " is empty"));
  CHECK(contains(result.failures[4], (folder / "missing.png").string() + ": no such file"));
  REQUIRE(result.predictions.images.size() == 1);
  CHECK(result.predictions.images[0].path == (folder / "good.png").string());

  const Output mixed = run_command(options);
  CHECK(mixed.status == 1);
  CHECK(contains(mixed.out, "good.png"));
  CHECK(!contains(mixed.out, "cut.png"));
  CHECK(contains(mixed.err, "fer: " + (folder / "cut.png").string() + " is truncated"));
  CHECK(std::ranges::count(mixed.err, '\n') == 5);
  options.inputs = {folder / "good.png"};
  const Output good = run_command(options);
  CHECK(good.status == 0);
  CHECK(good.err.empty());
  options.inputs = {folder / "missing.png"};
  options.json = true;
  const Output none = run_command(options);
  CHECK(none.status == 1);
  CHECK(json::parse(none.out) == json{{"images", json::array()}});
}

TEST_CASE("folders are walked in sorted order, hidden and other files left out") {
  const TemporaryFolder folder;
  for (const char* name : {"b.png", "a/z.JPG", "a/b/c.Pgm", "c.txt", ".d.png", ".e/f.png"}) {
    fs::create_directories((folder / name).parent_path());
    write_file(folder / name, "x");
  }
  std::vector<std::string> complaints;
  const auto complain = [&](const std::string& text) { complaints.push_back(text); };
  const std::vector<PictureFile> files = find_pictures({folder / "b.png", folder / ""}, complain);
  std::vector<std::string> names;
  for (const PictureFile& file : files) {
    names.push_back(file.name.string());
    CHECK(fs::exists(file.path));
  }
  CHECK(names == std::vector<std::string>{"b.png", "a/b/c.Pgm", "a/z.JPG", "b.png"});
  CHECK(complaints.empty());
}

TEST_CASE("a box is cut out before all else") {
  const Image inner = face(3);
  Image outer{50, 40, std::vector<std::uint8_t>(50 * 40 * 3, 90)};
  for (int y = 0; y < minute_size; ++y)
    std::copy_n(&inner.rgb[static_cast<std::size_t>(3 * minute_size * y)], 3 * minute_size,
                &outer.rgb[static_cast<std::size_t>(3 * (50 * (y + 5) + 11))]);
  const Box box = parse_box("11,5,32,32");
  CHECK(box == Box{11, 5, 32, 32});
  CHECK(predict_image(outer, box).probabilities() == predict_image(inner).probabilities());
  CHECK(predict_image(outer).probabilities() != predict_image(inner).probabilities());

  const Result outside = predict_image(outer, Box{20, 0, 32, 32});
  CHECK(outside.predictions.images.empty());
  REQUIRE(outside.failures.size() == 1);
  CHECK(contains(outside.failures[0],
                 "a.png: box 20,0,32,32 (x, y, width, height) is not inside the picture of 50 x 40 px"));
  for (const char* wrong :
       {"", "1,2,3", "1,2,3,4,5", "1,2,3,x", "1,2,3,4 ", "1;2;3;4", "99999999999,1,1,1"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(parse_box(wrong), UsageError);
  }
}

TEST_CASE("pictures that cannot look like the training faces are warned of") {
  const auto warning = [](const Image& image) {
    const Result result = predict_image(image);
    CHECK(result.failures.empty());
    CHECK(result.predictions.images.size() == 1);
    return result.warnings.empty()       ? std::string()
           : result.warnings.size() == 1 ? result.warnings[0]
                                         : "many";
  };
  CHECK(warning(resize(face(1), 64, 32)).empty());
  CHECK(contains(warning(resize(face(1), 65, 32)), "a.png is 65 x 32 px, and only the middle 32 x 32 px"));
  CHECK(contains(warning(resize(face(1), 32, 65)), "a.png is 32 x 65 px, and only the middle 32 x 32 px"));
  CHECK(warning(resize(face(1), 16, 16)).empty());
  CHECK(contains(warning(resize(face(1), 15, 20)), "a.png is 15 x 20 px, where the network was trained on"));
  Image even{32, 32, {}};
  for (int i = 0; i < 32 * 32; ++i)
    for (int value : {200, 50, 100 + 3 * (i % 2)}) even.rgb.push_back(static_cast<std::uint8_t>(value));
  CHECK(contains(warning(even), "a.png is nearly of one colour"));
  for (std::size_t i = 0; i < 32 * 32; ++i)
    even.rgb[3 * i + 2] = static_cast<std::uint8_t>(100 + 9 * (i % 2));
  CHECK(warning(even).empty());
}

TEST_CASE("pictures of a few pixels and of far too many are failures") {
  const auto failure = [](const Image& image) {
    const Result result = predict_image(image);
    CHECK(result.predictions.images.empty());
    return result.failures.size() == 1 ? result.failures[0] : "none or many";
  };
  CHECK(contains(failure({1, 1, {1, 2, 3}}), "a.png is 1 x 1 px, too small for a face"));
  CHECK(contains(failure(resize(face(1), 7, 30)), "a.png is 7 x 30 px, too small for a face"));
  CHECK(predict_image(resize(face(1), 8, 8)).failures.empty());
  CHECK(contains(failure({20000, 1, std::vector<std::uint8_t>(60000)}),
                 "a.png is 20000 x 1 px; pictures up to"));
}

TEST_CASE("overlays show the part that the network looked at") {
  const TemporaryFolder folder;
  fs::create_directories(folder / "in" / "below");
  write_png(folder / "in" / "small.png", face(1));
  write_png(folder / "in" / "below" / "wide.png", resize(face(1), 700, 300));
  write_png(folder / "in" / "huge.png", resize(face(1), 500, 600));
  PredictOptions options;
  options.inputs = {folder / "in", folder / "in" / "small.png"};
  options.overlay = folder / "out" / "maps";
  const Result result = predict_with(options);
  CHECK(result.failures.empty());
  const auto side = [&](const char* name) {
    const Image image = read_image(options.overlay / name);
    CHECK(image.width == image.height);
    return image.width;
  };
  CHECK(side("small.png") == 256);  // 8 times 32
  CHECK(side("small-2.png") == 256);
  CHECK(side("below/wide.png") == 300);
  CHECK(side("huge.png") == 480);
  const PicturePrediction& small = result.predictions.images[2];
  CHECK(small.path == (folder / "in" / "small.png").string());
  CHECK(read_image(options.overlay / "small.png") == overlay(face(1), small.weights, 4));
}

TEST_CASE("an overlay never replaces a picture, and a folder that cannot be made is named") {
  const TemporaryFolder folder;
  write_png(folder / "a.png", face(1));
  PredictOptions options;
  options.inputs = {folder / "a.png"};
  options.overlay = folder / "." / "";
  CHECK(contains(error_of([&] { predict_with(options); }), "would overwrite"));
  CHECK(read_image(folder / "a.png") == face(1));
  options.overlay = folder / "a.png" / "below";
  options.model = minute_run().best;
  const Result result = predict_with(options);
  REQUIRE(result.failures.size() == 1);
  CHECK(contains(result.failures[0], "cannot make the folder"));
  CHECK(result.predictions.images.size() == 1);
  const Output output = run_command(options);
  CHECK(output.status == 1);
  CHECK(contains(output.out, "a.png"));
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
