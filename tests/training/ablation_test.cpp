// Every switch of the network trains.
#include <cmath>
#include <doctest/doctest.h>

#include "fer/synth_dataset.h"
#include "fer/training_loop.h"
#include "tests/training/small_runs.h"

using namespace fermion;
using namespace fermion::fer;

TEST_CASE("every ablation trains, evaluates and can be resumed") {
  const TemporaryFolder folder;
  for (const char* change :
       {"unet=false", "non_local=false", "feedback=false", "local=false", "local_input=encoder0", "overlap=2",
        "grid=1", "grid=4", "dropout=0", "tau=0", "depth=2", "augment=false"}) {
    INFO(change);
    const fs::path run = folder / change;
    CHECK(train(run, small_config({change}), 8) == 130);
    CHECK(resume(run, 9) == 130);
    const nlohmann::json record = records(run).at(0);
    CHECK(std::isfinite(record["train"]["loss"].get<double>()));
    CHECK(record["train"]["gradient_norm"].get<double>() > 0);
    CHECK(record["holdout"]["accuracy"].get<double>() >= 0);
  }
  // Without the local and the non-local part nothing is left.
  CHECK_THROWS_AS(small_config({"local=false", "non_local=false"}), UsageError);
}

TEST_CASE("an ablation's report leaves out what it cannot say: without weights, and of one region") {
  const TemporaryFolder folder;
  for (const char* change : {"non_local=false", "grid=1"}) {
    INFO(change);
    CHECK(train(folder / change, small_config({change, "epochs=1"}), -1) == 0);
    const auto metrics = nlohmann::json::parse(text_of(folder / change / "metrics.json"));
    CHECK(metrics.at("region_auc").is_null());
    CHECK(metrics.at("deletion").is_null());
    CHECK(text_of(folder / change / "report.html").find("region_weights_by_class\":") == std::string::npos);
  }
}

TEST_CASE("each ablation learns a handful of faces by heart") {
  for (const char* change : {"unet=true", "unet=false", "non_local=false", "feedback=false", "local=false",
                             "local_input=encoder0", "overlap=2"}) {
    TrainConfig config = small_config({change, "dropout=0", "augment=false"});
    engine::Device device({.threads = 1});
    const Dataset data = draw_dataset(0, 16, config.model.size, 1);
    TrainingStep training(device, config, measure_pixels(data.train, config.model.size), {});
    const Batch batch = Batches(data.train, batch_options(config), 0).next();
    StepStatistics last;
    for (int i = 0; i < 60; ++i) last = training.run(batch, 1e-2);
    CHECK_MESSAGE(last.right == 16, change << ": " << last.right << " of 16");
  }
}
