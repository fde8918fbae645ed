#include "fer/epoch_sums.h"

#include <doctest/doctest.h>

using namespace fermion::fer;

TEST_CASE("the record of an epoch has each term's own mean over the steps") {
  EpochSums sums;
  sums.add({.loss = 1,
            .joint = 2,
            .non_local = 3,
            .local = 4,
            .entropy = 5,
            .gradient_norm = 6,
            .right = 3,
            .labelled = 4});
  sums.add({.loss = 11,
            .joint = 22,
            .non_local = 33,
            .local = 44,
            .entropy = 55,
            .gradient_norm = 66,
            .right = 4,
            .labelled = 10});
  CHECK(sums.steps == 2);
  CHECK(sums.mean_loss() == 6);
  CHECK(sums.accuracy() == 0.5);
  CHECK(sums.means() == nlohmann::json{{"loss", 6.0},
                                       {"joint", 12.0},
                                       {"non_local", 18.0},
                                       {"local", 24.0},
                                       {"entropy", 30.0},
                                       {"gradient_norm", 36.0},
                                       {"accuracy", 0.5}});
  const nlohmann::json kept = sums;
  CHECK(kept.get<EpochSums>().means() == sums.means());
}

TEST_CASE("the means of no step and the accuracy of no labelled face are 0") {
  EpochSums sums;
  CHECK(sums.mean_loss() == 0);
  CHECK(sums.means()["loss"] == 0.0);
  sums.add({.loss = 2});
  CHECK(sums.accuracy() == 0);
}
