// Which epoch is the best, and how long a run will take.
#include <algorithm>
#include <doctest/doctest.h>

#include "fer/training_loop.h"
#include "tests/fer/generated_sets.h"
#include "tests/training/small_runs.h"

using namespace fermion::fer;

TEST_CASE("of equally good epochs the first is the best") {
  // Faces of one class only: soon every epoch names all of them right.
  const TemporaryFolder folder;
  for (int i = 0; i < 40; ++i)
    write_picture(folder / "set" / "train" / "happy" / fmt::format("{}.png", i), i);
  TrainConfig config;
  for (const char* assignment :
       {"size=16", "width=4", "depth=1", "grid=2", "batch=16", "epochs=6", "lr=1e-2", "threads=1"})
    set_option(config, assignment);
  config.data = (folder / "set").string();
  CHECK(train(folder / "run", config, 12) == 130);
  const CheckpointInfo info = info_of(folder / "run" / "last.safetensors");
  std::vector<double> accuracies;
  for (const nlohmann::json& epoch : info.epochs) accuracies.push_back(epoch["holdout"]["accuracy"]);
  REQUIRE(accuracies.size() == 6);
  REQUIRE(accuracies[4] == 1);
  REQUIRE(accuracies[5] == 1);
  CHECK(info.best_epoch == 1 + std::ranges::find(accuracies, 1.0) - accuracies.begin());
  CHECK(info_of(folder / "run" / "best.safetensors").epoch == info.best_epoch);
}

TEST_CASE("what is left: steps, and measuring at a third of a step's time per face") {
  CHECK(seconds_left(0.5, 100, 16, 0) == 50);
  CHECK(seconds_left(0.5, 0, 16, 480) == 5);
  CHECK(seconds_left(2, 30, 10, 3000) == 2 * (30 + 100));
}
