#include "fer/dataset.h"

#include <doctest/doctest.h>
#include <set>
#include <type_traits>

#include "engine/error.h"
#include "fer/labels.h"
#include "fer/run.h"
#include "tests/fer/forbidden.h"
#include "tests/fer/generated_sets.h"
#include "tests/fer/temporary_folder.h"

using namespace fermion::fer;
namespace fs = std::filesystem;

// What chooses the epoch cannot be handed another split.
static_assert(!std::is_constructible_v<HoldoutSplit, TestSplit> &&
              !std::is_constructible_v<HoldoutSplit, ValidSplit>);
static_assert(!std::is_constructible_v<TrainSplit, TestSplit> && !std::is_convertible_v<Split, HoldoutSplit>);
static_assert(std::is_convertible_v<const TestSplit&, const Split&> &&
              std::is_copy_constructible_v<HoldoutSplit>);

namespace {

DatasetOptions options() {
  DatasetOptions options;
  options.size = 6;
  return options;
}

// `count` different pictures a class in train, two in val, one in test.
void write_folders(const fs::path& folder, int count, const std::vector<std::string>& names) {
  int number = 0;
  for (const std::string& name : names)
    for (const auto& [split, images] :
         std::vector<std::pair<std::string, int>>{{"train", count}, {"val", 2}, {"test", 1}})
      for (int i = 0; i < images; ++i) {
        write_picture(folder / split / name / fmt::format("{:03}.png", i), number);
        ++number;
      }
}

std::string refusal(const fs::path& folder) {
  return error_of([&] { open_dataset(folder, options()); });
}

}  // namespace

TEST_CASE("folders named after expressions are a set") {
  const TemporaryFolder folder;
  write_folders(folder.path(), 10, {"Happy", "neutral", "anger"});
  write_file(folder / "train" / "Happy" / ".hidden", "");
  write_file(folder / "train" / "readme.txt", "");
  const Dataset set = open_dataset(folder.path(), options());
  CHECK(set.class_names == class_names(7));
  CHECK(set.train.size() == 27);
  CHECK(set.holdout.size() == 3);
  CHECK(set.valid.size() == 6);
  CHECK(set.test.size() == 3);
  CHECK(set.inventory.problems.empty());
  std::multiset<int> held;
  for (const Sample& sample : set.holdout.samples) held.insert(sample.label);
  CHECK(held == std::multiset<int>{0, 1, 6});

  // The first test picture is Happy's thirteenth.
  CHECK(set.test.samples[0].path == (folder / "test" / "Happy" / "000.png").string());
  CHECK(set.test.samples[0].label == 1);
  const Image twelfth = numbered_picture(12);
  CHECK(set.test.samples[0].hash == pixel_hash(twelfth.width, twelfth.height, twelfth.rgb));
  CHECK(set.test.target(0)[1] == 1);
  CHECK(set.test.target(0)[0] == 0);
  std::vector<std::uint8_t> rgb(6 * 6 * 3);
  set.test.read(0, rgb);
  CHECK(rgb == resize(numbered_picture(12), 6, 6).rgb);
  for (SplitName name : {SplitName::train, SplitName::holdout, SplitName::valid, SplitName::test})
    CHECK(set.split(name).size() == set.inventory.used.at(name).images);
}

TEST_CASE("--set holdout: the share of train that is cut to choose the epoch") {
  const TemporaryFolder folder;
  write_folders(folder.path(), 10, {"happy", "sad"});
  TrainConfig config;
  config.data = folder.path().string();
  for (const int tenths : {1, 2, 5}) {
    set_option(config, fmt::format("holdout=0.{}", tenths));
    const Dataset set = open_data(config, 1);
    CHECK(set.inventory.used.at(SplitName::holdout).by_class ==
          std::vector<std::int64_t>{0, tenths, tenths, 0, 0, 0, 0});
    CHECK(set.train.size() == 20 - 2 * tenths);
    CHECK(set.valid.size() == 4);
  }
}

TEST_CASE("contempt makes eight classes, and a folder inside the given one is found") {
  const TemporaryFolder folder;
  write_folders(folder / "download" / "set", 10, {"contempt", "sad"});
  CHECK(open_dataset(folder / "download", options()).class_names == class_names(8));
  CHECK(open_dataset(folder / "download", options()).folder == folder / "download" / "set");
  CHECK(contains(refusal(folder.path()), "holds no set that is known here"));
  write_folders(folder / "download" / "again", 1, {"contempt", "sad"});
  CHECK(contains(refusal(folder / "download"),
                 "holds several sets, name one of them: " + (folder / "download" / "again").string() + ", "));
}

TEST_CASE("missing, empty and foreign folders are refused, and the error lists what was looked for") {
  const TemporaryFolder folder;
  CHECK(refusal(folder / "none") == (folder / "none").string() + ": no such folder");
  CHECK(refusal(folder.path()) == folder.path().string() + " is empty");
  write_file(folder / "notes.txt", "words");
  CHECK(refusal(folder / "notes.txt") == (folder / "notes.txt").string() + " is a file, not a folder");
  CHECK(refusal(folder.path()) ==
        folder.path().string() +
            " holds no set that is known here; looked for FER+ "
            "(FER2013{Train,Valid,Test}/label.csv), folders ({train,valid,test}/<class "
            "name>/*.png, *.jpg, ...)");
  write_picture(folder / "train" / "1" / "a.png", 1);
  CHECK(contains(refusal(folder.path()), "holds no set that is known here"));
  fs::create_directories(folder / "train" / "happy");
  CHECK(contains(refusal(folder.path()),
                 "train/1: '1' is no expression that is known here (neutral, happiness, "));
  fs::remove_all(folder / "train" / "1");
  CHECK(refusal(folder.path()) == folder.path().string() + " lists no images");
}

TEST_CASE("the same image in two splits that the user made is refused, in one split it is not") {
  const TemporaryFolder folder;
  write_folders(folder.path(), 10, {"happy", "sad"});
  write_picture(folder / "train" / "happy" / "copy.png", 0);
  CHECK(open_dataset(folder.path(), options()).train.size() > 0);
  write_picture(folder / "test" / "sad" / "copy.png", 3);
  CHECK(refusal(folder.path()) == fmt::format("{} and {} are the same image (groups of copies that span "
                                              "train and test: 1); keep each group in one split",
                                              (folder / "train" / "happy" / "003.png").string(),
                                              (folder / "test" / "sad" / "copy.png").string()));
  CHECK(read_dataset(folder.path(), options()).inventory.refusals.size() == 1);
}

TEST_CASE("pictures that cannot be read are listed, and training refuses them unless told to go on") {
  const TemporaryFolder folder;
  write_folders(folder.path(), 10, {"happy", "sad"});
  std::vector<std::uint8_t> png = encode_png(numbered_picture(999));
  write_file(folder / "train" / "happy" / "cut.png",
             {reinterpret_cast<const char*>(png.data()), png.size() / 2});
  write_file(folder / "val" / "sad" / "words.png", "words");
  const Dataset set = read_dataset(folder.path(), options());
  REQUIRE(set.inventory.skipped.size() == 2);
  CHECK(set.inventory.skipped[0].path == (folder / "train" / "happy" / "cut.png").string());
  CHECK(contains(set.inventory.skipped[0].reason, "is truncated or damaged"));
  CHECK(set.inventory.skipped[1].reason == "is neither PNG nor JPEG");
  CHECK(set.inventory.published.at(SplitName::train).images == 21);
  CHECK(set.train.size() + set.holdout.size() == 20);

  CHECK(contains(refusal(folder.path()), "2 of 28 images cannot be read, first " +
                                             (folder / "train" / "happy" / "cut.png").string() +
                                             " (is truncated"));
  CHECK(contains(refusal(folder.path()), "(--set skip_unreadable=true for fer train, --skip-unreadable"));
  DatasetOptions lenient = options();
  lenient.skip_unreadable = true;
  CHECK(fingerprint(open_dataset(folder.path(), lenient)) == fingerprint(set));
}

TEST_CASE("a class that may not be read is no class without faces") {
  const TemporaryFolder folder;
  for (int i = 0; i < 8; ++i)
    write_picture(folder / "test" / (i % 2 ? "happy" : "sad") / fmt::format("{}.png", i), i);
  const Forbidden forbidden(folder / "test" / "sad");
  CHECK(error_of([&] { read_dataset(folder.path(), {}); }) ==
        (folder / "test" / "sad").string() + " cannot be read: Permission denied");
}

TEST_CASE("a link that leads nowhere is no picture, and pictures of a few pixels show no face") {
  const TemporaryFolder folder;
  write_picture(folder / "test" / "sad" / "good.png", 1);
  write_png(folder / "test" / "sad" / "tiny.png", numbered_picture(2, 7));
  std::filesystem::create_symlink("loop", folder / "test" / "sad" / "loop");
  std::filesystem::create_symlink("loop", folder / "loop");
  const Dataset set = read_dataset(folder.path(), {});
  CHECK(set.test.size() == 1);
  REQUIRE(set.inventory.skipped.size() == 1);
  CHECK(set.inventory.skipped[0].reason == "is 7 x 7 px, too small for a face");
}

TEST_CASE("files in a class folder that are no pictures by their names are left out and told of") {
  const TemporaryFolder folder;
  write_folders(folder.path(), 10, {"happy", "sad"});
  const std::string before = fingerprint(open_dataset(folder.path(), options()));
  write_file(folder / "train" / "happy" / "notes.txt", "words");
  write_file(folder / "train" / "happy" / "README", "words");
  const Dataset set = open_dataset(folder.path(), options());
  CHECK(fingerprint(set) == before);
  CHECK(set.inventory.skipped.empty());
  REQUIRE(set.inventory.problems.size() == 1);
  CHECK(contains(set.inventory.problems[0],
                 "were not read: 2, first " + (folder / "train" / "happy" / "README").string()));
}

TEST_CASE("a missing image of a list is skipped with its reason, and the others keep their faces") {
  const TemporaryFolder folder;
  write_ferplus(folder.path(), "FER2013Valid", {{1, "0,8,0,0,0,0,0,0,0,2"}, {2, "0,8,0,0,0,0,0,0,0,2"}});
  fs::remove(folder / "FER2013Valid" / "fer0000000.png");
  const Dataset set = read_dataset(folder.path(), options());
  REQUIRE(set.inventory.skipped.size() == 1);
  CHECK(set.inventory.skipped[0].reason == "no such file");
  REQUIRE(set.valid.size() == 1);
  std::vector<std::uint8_t> rgb(6 * 6 * 3);
  set.valid.read(0, rgb);
  CHECK(rgb == resize(numbered_picture(2), 6, 6).rgb);
}

TEST_CASE("faces served from files are those served from memory, at any size, with any number of threads") {
  const TemporaryFolder folder;
  write_folders(folder.path(), 10, {"happy", "sad"});
  fs::create_directories(folder / "train" / "fear");
  write_png(folder / "train" / "fear" / "grey.png", numbered_picture(78, 8));
  write_png(folder / "train" / "fear" / "wide.png", numbered_picture(77, 31));
  for (int size : {6, 11}) {
    DatasetOptions in_memory = options(), on_disk = options();
    in_memory.size = on_disk.size = size;
    in_memory.threads = 4;
    on_disk.threads = 1;
    on_disk.memory = 0;
    const Dataset a = open_dataset(folder.path(), in_memory), b = open_dataset(folder.path(), on_disk);
    CHECK(fingerprint(a) == fingerprint(b));
    CHECK(dynamic_cast<const MemoryFaces*>(a.train.faces.get()) != nullptr);
    CHECK(dynamic_cast<const FileFaces*>(b.train.faces.get()) != nullptr);
    std::vector<std::uint8_t> x(static_cast<std::size_t>(size * size * 3)), y(x.size());
    for (std::int64_t i = 0; i < a.train.size(); ++i) {
      a.train.read(i, x);
      b.train.read(i, y);
      CHECK(x == y);
    }
  }
}

TEST_CASE("sources refuse an index or a size that does not fit") {
  MemoryFaces faces(3, 2, 4);
  std::vector<std::uint8_t> face(24, 5);
  std::ranges::fill(faces.face(2), std::uint8_t{9});
  faces.read(2, face);
  CHECK(face == std::vector<std::uint8_t>(24, 9));
  faces.read(1, face);
  CHECK(face == std::vector<std::uint8_t>(24, 0));
  CHECK_THROWS_AS(faces.read(3, face), fermion::engine::Error);
  CHECK_THROWS_AS(faces.read(-1, face), fermion::engine::Error);
  face.pop_back();
  CHECK_THROWS_AS(faces.read(0, face), fermion::engine::Error);
  CHECK_THROWS_AS(MemoryFaces(1, 0, 4), fermion::engine::Error);
}

TEST_CASE("the fingerprint changes with faces, labels, targets and holdout") {
  const TemporaryFolder folder;
  write_folders(folder.path(), 20, {"happy", "sad"});
  std::set<std::string> prints = {fingerprint(open_dataset(folder.path(), options()))};
  CHECK(prints.contains(fingerprint(open_dataset(folder.path(), options()))));
  DatasetOptions other = options();
  other.seed = 1;
  prints.insert(fingerprint(open_dataset(folder.path(), other)));
  write_picture(folder / "train" / "happy" / "000.png", 5000);
  prints.insert(fingerprint(open_dataset(folder.path(), options())));
  fs::create_directories(folder / "train" / "fear");
  fs::rename(folder / "train" / "happy" / "000.png", folder / "train" / "fear" / "000.png");
  prints.insert(fingerprint(open_dataset(folder.path(), options())));
  fs::rename(folder / "test" / "happy", folder / "test" / "anger");
  prints.insert(fingerprint(open_dataset(folder.path(), options())));
  CHECK(prints.size() == 5);
  Dataset drawn;
  drawn.train = TrainSplit(Split{nullptr, 2, {{}}, {0.5f, 0.5f}});
  const std::string before = fingerprint(drawn);
  drawn.train.targets = {0.25f, 0.75f};
  CHECK(fingerprint(drawn) != before);
  drawn.train.targets = {0.5f, 0.5f};
  CHECK(fingerprint(drawn) == before);
  drawn.train.samples[0].label = 1;
  CHECK(fingerprint(drawn) != before);
}

TEST_CASE("training needs faces, and faces to choose the epoch on") {
  const TemporaryFolder folder;
  write_folders(folder.path(), 2, {"happy", "sad"});
  CHECK(contains(
      error_of([&] { check_trainable(open_dataset(folder.path(), options())); }),
      " has too few faces to train on some and choose the best epoch on others: 4 in train, 0 in holdout"));
  fs::remove_all(folder / "train");
  CHECK(error_of([&] { check_trainable(open_dataset(folder.path(), options())); }) ==
        folder.path().string() + " has no faces to train on");
  for (int i = 0; i < 10; ++i) write_picture(folder / "train" / "fear" / fmt::format("{}.png", i), 900 + i);
  check_trainable(open_dataset(folder.path(), options()));
}

TEST_CASE("a target that does not fit the classes is refused") {
  Split split{nullptr, 3, {}, {}};
  CHECK_THROWS_AS(split.add({}, std::vector<float>{0.5f, 0.5f}), fermion::engine::Error);
  split.add({}, std::vector<float>{0.5f, 0.25f, 0.25f});
  CHECK(split.target(0)[1] == 0.25f);
}
