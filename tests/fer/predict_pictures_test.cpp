// What becomes of pictures on their way to the network, and of their overlays.
#include <doctest/doctest.h>

#include "fer/overlay.h"
#include "tests/fer/forbidden.h"
#include "tests/fer/predicted_pictures.h"

using namespace fermion;
using namespace fermion::fer;
namespace fs = std::filesystem;

TEST_CASE("folders are walked in sorted order, hidden and other files left out") {
  const TemporaryFolder folder;
  for (const char* name : {"b.png", "a/z.JPG", "a/b/c.Png", "c.txt", ".d.png", ".e/f.png"}) {
    fs::create_directories((folder / name).parent_path());
    write_file(folder / name, "x");
  }
  std::vector<std::string> complaints;
  const auto complain = [&](const fs::path&, const std::string& text) { complaints.push_back(text); };
  const std::vector<PictureFile> files = find_pictures({folder / "b.png", folder / ""}, complain);
  std::vector<std::string> names;
  for (const PictureFile& file : files) {
    names.push_back(file.name.string());
    CHECK(fs::exists(file.path));
  }
  CHECK(names == std::vector<std::string>{"b.png", "a/b/c.Png", "a/z.JPG", "b.png"});
  CHECK(complaints.empty());
}

TEST_CASE(
    "a folder that may not be read and a link to nowhere are complained of, and the others still found") {
  const TemporaryFolder folder;
  for (const char* name : {"a/one.png", "secret/two.png", "z.png"}) {
    fs::create_directories((folder / name).parent_path());
    write_file(folder / name, "x");
  }
  fs::create_symlink("loop.png", folder / "loop.png");
  fs::create_directory_symlink(folder / "a", folder / "again");
  std::vector<std::string> complaints, names;
  {
    const Forbidden forbidden(folder / "secret");
    for (const PictureFile& file : find_pictures(
             {folder / ""}, [&](const fs::path&, const std::string& text) { complaints.push_back(text); }))
      names.push_back(file.name.string());
  }
  CHECK(names == std::vector<std::string>{"a/one.png", "loop.png", "z.png"});
  CHECK(complaints ==
        std::vector<std::string>{(folder / "secret").string() + " cannot be read: Permission denied"});
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
  const Result narrow = predict_image(outer, Box{0, 0, 48, 2});
  CHECK(narrow.predictions.images.empty());
  REQUIRE(narrow.failures.size() == 1);
  CHECK(narrow.failures[0].ends_with("a.png: the box is 48 x 2 px, too small for a face"));
  for (const char* wrong :
       {"", "1,2,3", "1,2,3,4,5", "1,2,3,x", "1,2,3,4 ", "1;2;3;4", "99999999999,1,1,1"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(parse_box(wrong), UsageError);
  }
  for (const char* number : {"99999999999", "-99999999999", "16385", "-1"})
    CHECK(error_of([&] { parse_box(fmt::format("1,{},3,4", number)); }) ==
          fmt::format("the numbers of a box lie between 0 and 16384, not {}", number));
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
  CHECK_THROWS_AS(predict_with(options), UsageError);
  CHECK(contains(error_of([&] { predict_with(options); }), "would overwrite"));
  CHECK(read_image(folder / "a.png") == face(1));
  options.overlay = folder / "a.png" / "below";
  options.model = minute_run().best;
  CHECK(contains(error_of([&] { predict_with(options); }),
                 "cannot make the folder '" + options.overlay.string() + "'"));
  // Before anything is predicted.
  CHECK(run_command(options).out.empty());
  options.inputs = {folder / "missing.png"};
  options.overlay = folder / "made" / "below";
  CHECK(predict_with(options).failures.size() == 1);
  CHECK(fs::is_directory(options.overlay));
}
