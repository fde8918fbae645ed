#include "fer/datasets/ferplus.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <numeric>

#include "fer/dataset.h"
#include "fer/labels.h"
#include "tests/fer/generated_sets.h"
#include "tests/fer/temporary_folder.h"

using namespace fermion::fer;
using doctest::Approx;

namespace {

constexpr const char* happy = "0,8,0,0,0,0,0,0,0,2";
constexpr const char* sad = "1,0,0,9,0,0,0,0,0,0";
constexpr const char* undecided = "5,0,0,5,0,0,0,0,0,0";  // trained on its votes, never measured
constexpr const char* no_face = "0,0,0,0,0,0,0,0,0,10";   // of no use

std::optional<int> class_of(std::string_view name) {
  return expression_of(name);
}

DatasetOptions options(Targets targets = Targets::votes) {
  DatasetOptions options;
  options.size = 6;
  options.targets = targets;
  return options;
}

std::vector<int> labels_of(const Split& split) {
  std::vector<int> labels;
  for (const Sample& sample : split.samples) labels.push_back(sample.label);
  return labels;
}

// What reading a set whose second row is `row` says.
std::string error_of_row(const std::string& row) {
  const TemporaryFolder folder;
  write_ferplus(folder.path(), "FER2013Valid", {{1, happy}});
  write_file(folder / "FER2013Valid" / "label.csv", ferplus_row(0, happy) + row + "\n");
  return error_of([&] { open_dataset(folder.path(), options()); });
}

}  // namespace

TEST_CASE("FER+ majority: each column finds its class by name") {
  for (std::size_t i = 0; i < ferplus_columns.size(); ++i) {
    CAPTURE(ferplus_columns[i]);
    FerplusVotes votes{};
    votes[i] = 10;
    CHECK(ferplus_majority(votes) == (i < 8 ? class_of(ferplus_columns[i]) : std::nullopt));
  }
}

TEST_CASE("FER+ majority: more than half of what is left once single votes are gone") {
  //                        ne ha su sa an di fe co un NF
  CHECK(ferplus_majority({6, 0, 1, 1, 0, 0, 0, 0, 2, 0}) == class_of("neutral"));   // 6 of 8
  CHECK(ferplus_majority({4, 0, 0, 1, 3, 2, 0, 0, 0, 0}) == std::nullopt);          // 4 of 9
  CHECK(ferplus_majority({5, 5, 0, 0, 0, 0, 0, 0, 0, 0}) == std::nullopt);          // a tie
  CHECK(ferplus_majority({0, 0, 4, 2, 0, 0, 2, 0, 0, 0}) == std::nullopt);          // exactly half
  CHECK(ferplus_majority({0, 0, 5, 2, 0, 0, 2, 0, 0, 0}) == class_of("surprise"));  // 5 of 9
  CHECK(ferplus_majority({1, 1, 1, 1, 1, 1, 2, 1, 1, 0}) == class_of("fear"));      // 2 of 2
  CHECK(ferplus_majority({1, 1, 1, 1, 1, 1, 1, 1, 1, 1}) == std::nullopt);          // nothing left
  CHECK(ferplus_majority({0, 0, 0, 0, 0, 0, 0, 0, 0, 0}) == std::nullopt);
  CHECK(ferplus_majority({2, 0, 0, 0, 0, 0, 0, 0, 8, 0}) == std::nullopt);  // the winner is "unknown"
  CHECK(ferplus_majority({0, 0, 0, 0, 2, 0, 0, 0, 0, 8}) == std::nullopt);  // the winner is "no face"
  CHECK(ferplus_majority({0, 0, 0, 0, 5, 0, 0, 0, 5, 0}) == std::nullopt);  // "unknown" votes count
}

TEST_CASE("FER+ shares: votes for expressions, single ones included, others dropped") {
  const std::vector<float> shares = ferplus_shares({4, 0, 1, 3, 0, 0, 0, 0, 1, 1});
  REQUIRE(shares.size() == 8);
  CHECK(shares[static_cast<std::size_t>(*class_of("neutral"))] == Approx(4.0 / 8));
  CHECK(shares[static_cast<std::size_t>(*class_of("surprise"))] == Approx(1.0 / 8));
  CHECK(shares[static_cast<std::size_t>(*class_of("sadness"))] == Approx(3.0 / 8));
  CHECK(std::accumulate(shares.begin(), shares.end(), 0.0f) == Approx(1));
  CHECK(ferplus_shares({0, 0, 0, 0, 0, 0, 0, 0, 4, 6}).empty());
}

TEST_CASE(
    "FER+: vote targets use every face with votes, majority targets only decided ones; measured are decided "
    "ones") {
  const TemporaryFolder folder;
  std::vector<FerplusFace> train;
  for (int i = 0; i < 40; ++i)
    train.push_back({i, i < 10 ? undecided : i < 12 ? no_face : i < 22 ? sad : happy});
  write_ferplus(folder.path(), "FER2013Train", train);
  write_ferplus(folder.path(), "FER2013Valid", {{100, happy}, {101, undecided}, {102, no_face}, {103, sad}});

  const Dataset votes = open_dataset(folder.path(), options());
  CHECK(votes.name == "FER+");
  CHECK(votes.class_names == class_names(8));
  CHECK(votes.holdout.size() == 3);  // 1 sad of 10, 2 happy of 18
  CHECK(votes.train.size() == 10 + 28 - 3);
  CHECK(votes.test.empty());
  CHECK(labels_of(votes.valid) == std::vector<int>{*class_of("happiness"), *class_of("sadness")});
  CHECK(votes.valid.samples[1].path == (folder / "FER2013Valid" / "fer0000003.png").string());
  CHECK(std::ranges::count(labels_of(votes.train), -1) == 10);
  CHECK(std::ranges::count(labels_of(votes.holdout), -1) == 0);
  CHECK(votes.train.target(0)[static_cast<std::size_t>(*class_of("sadness"))] == 0.5f);
  CHECK(votes.valid.target(1)[0] == Approx(0.1));
  CHECK(labelled(votes.train).size() == 25);

  const Dataset majority = open_dataset(folder.path(), options(Targets::majority));
  CHECK(majority.train.size() == 28 - 3);
  CHECK(labels_of(majority.holdout) == labels_of(votes.holdout));
  CHECK(majority.valid.size() == 2);
  CHECK(majority.valid.target(1)[0] == 0);
  CHECK(majority.valid.target(1)[static_cast<std::size_t>(*class_of("sadness"))] == 1);
}

TEST_CASE("FER+: train copies of valid and test faces are dropped, copies inside train stay together") {
  const TemporaryFolder folder;
  std::vector<FerplusFace> train = {
      {1000, happy}, {1001, sad}, {1002, undecided}};            // copies of valid, test, undecided valid
  for (int i = 0; i < 60; ++i) train.push_back({i / 3, happy});  // twenty groups of three
  write_ferplus(folder.path(), "FER2013Train", train);
  write_ferplus(folder.path(), "FER2013Valid", {{1000, sad}, {1002, no_face}, {1003, happy}});
  write_ferplus(folder.path(), "FER2013Test", {{1001, happy}, {1003, happy}});

  const Dataset set = open_dataset(folder.path(), options());
  CHECK(set.inventory.unused.at(SplitName::train).at(Unused::copies) == 3);
  CHECK(set.train.size() == 54);
  CHECK(set.holdout.size() == 6);
  for (const Sample& held : set.holdout.samples)
    for (const Sample& trained : set.train.samples) CHECK(held.hash != trained.hash);
  CHECK(set.valid.size() == 2);
  CHECK(set.test.size() == 2);
  CHECK(set.inventory.groups_across ==
        std::map<std::pair<SplitName, SplitName>, std::int64_t>{{{SplitName::train, SplitName::valid}, 2},
                                                                {{SplitName::train, SplitName::test}, 1},
                                                                {{SplitName::valid, SplitName::test}, 1}});
  CHECK(set.inventory.readable == 68);
  CHECK(set.inventory.distinct == 24);
}

TEST_CASE("FER+: one split alone is enough, and counts that differ from the published ones are told") {
  const TemporaryFolder folder;
  write_ferplus(folder.path(), "FER2013Test", {{0, happy}, {1, undecided}});
  const Dataset set = open_dataset(folder.path(), options());
  CHECK(set.train.empty());
  CHECK(set.test.size() == 1);
  CHECK(set.inventory.problems ==
        std::vector<std::string>{
            "no FER2013Train/label.csv, so no train split", "no FER2013Valid/label.csv, so no valid split",
            "test has 2 images, 1 of them labelled, where the published set has 3573 and 3137",
            "test images that are not used, as their taggers reached no majority: 1"});
}

TEST_CASE("FER+: a bad row is named by file and line") {
  CHECK(contains(
      error_of_row("fer0000001.png,\"(0, 0, 6, 6)\",0,8,0,0,0,0,0,0,0"),
      "FER2013Valid/label.csv, line 2: expected an image name, a box and ten vote counts, found 11 fields"));
  CHECK(contains(error_of_row("words"), "label.csv, line 2: expected"));
  CHECK(contains(error_of_row(",\"(0, 0, 6, 6)\",0,8,0,0,0,0,0,0,0,2"), "line 2: expected an image name"));
  CHECK(contains(error_of_row("fer0000001.png,\"(0, 0, 6)\",0,8,0,0,0,0,0,0,0,2"),
                 "line 2: \"(0, 0, 6)\" is no box"));
  CHECK(contains(error_of_row("fer0000001.png,6,0,8,0,0,0,0,0,0,0,2"), "line 2: 6 is no box"));
  CHECK(contains(error_of_row("fer0000001.png,\"(0, 0, 6, 6)\",0,8,0,x,0,0,0,0,0,2"),
                 "line 2: the votes for sadness are 'x', not a count"));
  CHECK(contains(error_of_row("fer0000001.png,\"(0, 0, 6, 6)\",0,8,-1,0,0,0,0,0,0,2"),
                 "line 2: the votes for surprise are '-1', not a count"));
  CHECK(contains(error_of_row("fer0000001.png,\"(0, 0, 6, 6)\",0,8,0,0,0,0,0,0,0,2.5"),
                 "the votes for NF are '2.5'"));
}

TEST_CASE("FER+: the box cuts the face out, and one that does not fit is told") {
  const TemporaryFolder folder;
  write_ferplus(folder.path(), "FER2013Valid", {{1, happy}});
  const std::string votes = std::string(",") + happy + "\r\n\r\n";
  write_file(folder / "FER2013Valid" / "label.csv", "fer0000000.png,\"(1, 2, 9, 10)\"" + votes);
  write_png(folder / "FER2013Valid" / "fer0000000.png", numbered_picture(1, 12));
  DatasetOptions eight = options();
  eight.size = 8;
  const Dataset set = open_dataset(folder.path(), eight);
  std::vector<std::uint8_t> rgb(8 * 8 * 3);
  set.valid.read(0, rgb);
  CHECK(rgb == crop(numbered_picture(1, 12), {1, 2, 8, 8}).rgb);

  write_file(folder / "FER2013Valid" / "label.csv", "fer0000000.png,\"(0, 0, 13, 12)\"" + votes);
  CHECK(contains(error_of([&] { open_dataset(folder.path(), eight); }),
                 "box 0,0,13,12 (x, y, width, height) is not inside"));
}
