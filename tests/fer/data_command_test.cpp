#include "fer/data_command.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/fer/generated_sets.h"
#include "tests/fer/temporary_folder.h"

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
  const nlohmann::json json = inventory_json(small_ferplus(folder.path()));
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
  CHECK(json["skipped"] ==
        nlohmann::json::array(
            {{{"path", (folder / "FER2013Train" / "fer0000001.png").string()}, {"reason", "no such file"}}}));
  REQUIRE(json["problems"].size() == 6);
  CHECK(json["problems"][0] == "no FER2013Test/label.csv, so no test split");
  CHECK(json["problems"][3] == "groups of copies that span train and valid: 1");
  CHECK(json["problems"][4] == "train images that are not used, as copies of valid or test images: 1");
  CHECK(contains(json["problems"][5], "1 of 24 images cannot be read"));
}

TEST_CASE("a report counts the faces without a majority and names the copies that were dropped") {
  const TemporaryFolder folder;
  const nlohmann::json data = report_data(small_ferplus(folder.path()));
  CHECK(data["splits"]["train"]["happiness"] == 17);
  CHECK(data["images"] == nlohmann::json{{"train", 18}, {"holdout", 2}, {"valid", 1}});
  CHECK(data["notes"].back() == "train images that are not used, as copies of valid or test images: 1");
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
  CHECK(contains(table,
                 "skipped: " + (folder / "FER2013Train" / "fer0000001.png").string() + ": no such file\n"));
}
