#include "fer/data_command.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/fer/answer.h"

using namespace fermion::fer;

namespace {

constexpr const char* happy = "0,8,0,0,0,0,0,0,0,2";
constexpr const char* undecided = "5,0,0,5,0,0,0,0,0,0";

// 20 happy faces in train, one of them a copy of valid's, an undecided one and a missing one.
Dataset small_ferplus(const std::filesystem::path& folder) {
  std::vector<FerplusFace> train = {{500, undecided}, {501, happy}};
  for (int i = 0; i < 20; ++i) train.push_back({i, happy});
  write_ferplus(folder, "FER2013Train", train);
  write_ferplus(folder, "FER2013Valid", {{0, happy}, {100, undecided}});
  std::filesystem::remove(folder / "FER2013Train" / "fer0000001.png");
  DatasetOptions options;
  options.size = 6;
  return read_dataset(folder, options);
}

}  // namespace

TEST_CASE("fer data as JSON") {
  const TemporaryFolder folder;
  nlohmann::json json = inventory_json(small_ferplus(folder.path()));
  CHECK(json["dataset"] == "FER+");
  CHECK(json["classes"].size() == 8);
  CHECK(json["splits"]["train"]["happiness"] == 21);
  CHECK(json["splits"]["train"]["fear"] == 0);
  CHECK(json["splits"]["valid"]["happiness"] == 1);
  CHECK(!json["splits"].contains("test"));
  CHECK(json["images"] == nlohmann::json{{"train", 22}, {"valid", 2}});
  CHECK(json["used"]["train"]["happiness"] == 17);
  CHECK(json["used"]["holdout"]["happiness"] == 2);
  CHECK(json["used"]["valid"]["happiness"] == 1);
  CHECK(json["copies"] == nlohmann::json{{"distinct", 22},
                                         {"identical", 1},
                                         {"across", {{{"splits", {"train", "valid"}}, {"groups", 1}}}},
                                         {"dropped_from_train", 1}});
  CHECK(json["subjects"] == 0);
  CHECK(json["unused"] ==
        nlohmann::json{{"train", {{"unreadable", 1}, {"copies", 1}}}, {"valid", {{"no_majority", 1}}}});
  CHECK(json["skipped"] ==
        nlohmann::json::array(
            {{{"path", (folder / "FER2013Train" / "fer0000001.png").string()}, {"reason", "no such file"}}}));
  REQUIRE(json["problems"].size() == 7);
  CHECK(json["problems"][0] == "no FER2013Test/label.csv, so no test split");
  CHECK(json["problems"][3] == "groups of copies that span train and valid: 1");
  CHECK(json["problems"][4] == "train images that are not used, as they cannot be read: 1");
  CHECK(json["problems"][5] == "train images that are not used, as copies of valid or test images: 1");
  CHECK(json["problems"][6] == "valid images that are not used, as their taggers reached no majority: 1");
  REQUIRE(json["refusals"].size() == 1);
  CHECK(contains(json["refusals"][0], "1 of 24 images cannot be read"));
}

TEST_CASE("a report counts the faces without a majority and names the copies that were dropped") {
  const TemporaryFolder folder;
  const nlohmann::json data = report_data(small_ferplus(folder.path()));
  CHECK(data["splits"]["train"]["happiness"] == 17);
  CHECK(data["images"] == nlohmann::json{{"train", 18}, {"holdout", 2}, {"valid", 1}});
  const auto notes = data["notes"].get<std::vector<std::string>>();
  CHECK(std::ranges::count(notes, "train images that are not used, as copies of valid or test images: 1") ==
        1);
}

TEST_CASE("fer data as a table") {
  const TemporaryFolder folder;
  const std::string table = inventory_table(small_ferplus(folder.path()));
  CAPTURE(table);
  CHECK(contains(table, "FER+ in " + folder.path().string() + ": 23 images that can be read, 22 distinct\n"));
  CHECK(contains(table, "class           train     used  holdout    valid     used\n"));
  CHECK(contains(table, "happiness          21       17        2        1        1\n"));
  CHECK(contains(table, "no majority         1        1        0        1        0\n"));
  CHECK(contains(table, "all                22       18        2        2        1\n"));
  CHECK(contains(table, "train images that are not used, as copies of valid or test images: 1\n"));
  CHECK(contains(table, "problem: no FER2013Test/label.csv, so no test split\n"));
  CHECK(contains(table, "\ntraining refuses this set: 1 of 24 images cannot be read"));
  CHECK(contains(table,
                 "skipped: " + (folder / "FER2013Train" / "fer0000001.png").string() + ": no such file\n"));
}

TEST_CASE("the table and the JSON of fer data hold the same figures") {
  const TemporaryFolder folder;
  const Dataset set = small_ferplus(folder.path());
  nlohmann::json json = inventory_json(set);
  CHECK(json["readable"] == 23);
  CHECK(json["images"] == nlohmann::json{{"train", 22}, {"valid", 2}});
  CHECK(json["used_images"] == nlohmann::json{{"train", 18}, {"holdout", 2}, {"valid", 1}});
  CHECK(json["no_majority"] == nlohmann::json{{"train", 1}, {"valid", 1}});
  CHECK(json["used_no_majority"] == nlohmann::json{{"train", 1}, {"holdout", 0}, {"valid", 0}});
}

TEST_CASE("every published image is used, or not for one reason that is told") {
  const TemporaryFolder folder;
  constexpr const char* no_face = "0,0,0,0,0,0,0,0,0,10";
  // Ten pairs of copies, undecided the one and happy the other: some pairs go to holdout.
  std::vector<FerplusFace> train = {{500, no_face}, {501, happy}, {502, happy}};
  for (int i = 0; i < 20; ++i) train.push_back({i / 2, i % 2 ? happy : undecided});
  write_ferplus(folder.path(), "FER2013Train", train);
  write_ferplus(folder.path(), "FER2013Valid", {{501, happy}, {600, undecided}, {601, no_face}});
  std::filesystem::remove(folder / "FER2013Train" / "fer0000002.png");
  DatasetOptions options;
  options.size = 6;
  options.holdout = 0.3;
  for (const Targets targets : {Targets::votes, Targets::majority}) {
    options.targets = targets;
    const Dataset set = read_dataset(folder.path(), options);
    nlohmann::json json = inventory_json(set);
    CAPTURE(json.dump());
    for (const std::string split : {"train", "valid"}) {
      std::int64_t images = json["used_images"].value(split, 0);
      if (split == "train") images += json["used_images"]["holdout"].get<std::int64_t>();
      for (const auto& [reason, count] : json["unused"][split].items()) images += count.get<std::int64_t>();
      CHECK(images == json["images"][split]);
    }
    const nlohmann::json votes{{"unreadable", 1}, {"copies", 1}, {"no_votes", 1}, {"holdout_no_majority", 3}};
    const nlohmann::json majority{{"unreadable", 1}, {"copies", 1}, {"no_votes", 1}, {"no_majority", 10}};
    CHECK(json["unused"]["train"] == (targets == Targets::votes ? votes : majority));
    CHECK(json["unused"]["valid"] == nlohmann::json{{"no_votes", 1}, {"no_majority", 1}});
    CHECK(contains(inventory_table(set),
                   "problem: train images that are not used, as nobody voted for one of the classes: 1\n"));
  }
}

TEST_CASE("fer data of FER+ whose list of a split is empty") {
  const TemporaryFolder folder;
  write_ferplus(folder.path(), "FER2013Valid", {{0, happy}});
  write_ferplus(folder.path(), "FER2013Train", {});
  const Answer table = answer_to({"data", folder.path()}),
               json = answer_to({"data", folder.path(), "--json"});
  CHECK(contains(table.text, "problem: train has 0 images, 0 of them labelled, where the published set has"));
  CHECK(nlohmann::json::parse(json.text)["images"]["train"] == 0);
}

TEST_CASE("fer data of a set that training refuses says why, and fails") {
  const TemporaryFolder folder;
  const std::string set = folder / "set";
  for (int i = 0; i < 30; ++i)
    write_picture(folder / "set" / "train" / (i % 2 ? "happy" : "sad") / fmt::format("{}.png", i), i);
  const Answer good = answer_to({"data", set});
  CHECK(good.status == 0);
  CHECK(!contains(good.text, "refuses"));
  CHECK(nlohmann::json::parse(answer_to({"data", set, "--json"}).text)["refusals"].empty());

  write_picture(folder / "set" / "test" / "sad" / "copy.png", 2);
  write_file(folder / "set" / "train" / "sad" / "broken.png", "words");
  const Answer bad = answer_to({"data", set}), json = answer_to({"data", set, "--json"});
  for (const Answer& answer : {bad, json}) {
    CHECK(answer.status == 1);
    CHECK(contains(answer.text, "1 of 32 images cannot be read, first "));
    CHECK(contains(answer.text, " are the same image "));
  }
  CHECK(contains(bad.text, "\ntraining refuses this set: 1 of 32 images"));
  CHECK(nlohmann::json::parse(json.text)["refusals"].size() == 2);

  write_ferplus(folder / "test", "FER2013Test", {{0, happy}});
  check_refused({"data", folder / "test"}, 1,
                "\ntraining refuses this set: " + (folder / "test").string() + " has no faces to train on\n");
}
