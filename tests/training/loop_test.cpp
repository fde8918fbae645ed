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

TEST_CASE("a run is steps on the batches that its options describe, at the rates of its schedule") {
  const TemporaryFolder folder;
  const TrainConfig config =
      small_config({"lr=3e-3", "warmup=3", "seed=5", "flip=0.3", "shift=0.2", "scale=0.25", "rotation=40",
                    "brightness=0.35", "erase=0.45", "loader_threads=2"});
  CHECK(train(folder / "run", config) == 130);

  Run run = new_run(config, folder / "by_hand", "");
  const BatchOptions options{.batch = 16,
                             .seed = 5,
                             .augment = {.enabled = true,
                                         .flip = 0.3,
                                         .shift = 0.2,
                                         .scale = 0.25,
                                         .rotation = 40,
                                         .brightness = 0.35,
                                         .erase = 0.45}};
  Batches batches(run.data.train, options, 0);
  for (std::int64_t step = 0; step < all_steps; ++step) {
    run.training->stage(batches.next());
    run.training->start(fermion::layers::learning_rate({3e-3, all_steps, 3}, step));
    run.training->finish();
  }
  save_last(folder / "by_hand.safetensors", run.info, run.training->optimizer());
  CHECK(first_difference(folder / "run" / "last.safetensors", folder / "by_hand.safetensors") == "");
}

TEST_CASE("what is left: steps, and measuring at a third of a step's time per face") {
  CHECK(seconds_left(0.5, 100, 16, 0) == 50);
  CHECK(seconds_left(0.5, 0, 16, 480) == 5);
  CHECK(seconds_left(2, 30, 10, 3000) == 2 * (30 + 100));
}
