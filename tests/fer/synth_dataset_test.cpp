#include "fer/synth_dataset.h"

#include <doctest/doctest.h>
#include <set>

#include "fer/config.h"

using namespace fermion::fer;

TEST_CASE("to the training faces come an eighth as many to choose the epoch and a quarter to test") {
  const Dataset set = draw_dataset(1, 80, 16, 2);
  CHECK(set.train.size() == 80);
  CHECK(set.holdout.size() == 10);
  CHECK(set.valid.size() == 0);
  CHECK(set.test.size() == 20);
  CHECK(set.inventory.readable == 110);
  // Each face comes once.
  std::set<std::uint64_t> hashes;
  for (const SplitName name : {SplitName::train, SplitName::holdout, SplitName::test}) {
    const Split& split = set.split(name);
    CHECK(set.inventory.used.at(name).images == split.size());
    for (const Sample& sample : split.samples) hashes.insert(sample.hash);
  }
  CHECK(hashes.size() == 110);
  CHECK(drawn_faces_config().faces == 8000);
}

TEST_CASE("however few faces there are, seven choose the epoch and seven test") {
  const Dataset set = draw_dataset(1, 16, 16, 1);
  CHECK(set.train.size() == 16);
  CHECK(set.holdout.size() == synth_expressions);
  CHECK(set.test.size() == synth_expressions);
}
