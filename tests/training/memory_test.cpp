// What training asks of the system.
#include <cmath>
#include <doctest/doctest.h>

#include "fer/synth_dataset.h"
#include "fer/training_loop.h"
#include "tests/training/small_runs.h"

using namespace fermion;
using namespace fermion::fer;

TEST_CASE("a training step after the first allocates nothing, nor does an epoch after the second") {
  for (const char* optimizer : {"optimizer=adamw", "optimizer=sgd"}) {
    INFO(optimizer);
    const TrainConfig config = small_config({optimizer});
    engine::Device device({.threads = 1});
    const Dataset data = draw_dataset(0, config.faces, config.model.size, 1);
    const Preprocessing preprocessing = measure_pixels(data.train, config.model.size);
    TrainingStep training(device, config, preprocessing, {});
    Batches batches(data.train, batch_options(config), 0);
    const engine::MemoryStatistics& memory = device.pool().statistics();
    const auto steps = [&](int count) {
      for (int i = 0; i < count; ++i) training.run(batches.next(), 1e-3);
    };
    const auto epoch = [&] {
      steps(3);
      predict(training.average_model(), device, preprocessing, data.holdout, config.batch);
    };
    steps(1);
    const std::int64_t after_step = memory.system_allocations;
    CHECK(after_step > 0);
    steps(2);
    CHECK(memory.system_allocations == after_step);
    // The first evaluation keeps the weights that it folds norms into; by the second all have a place.
    epoch();
    epoch();
    const engine::MemoryStatistics before = memory;
    epoch();
    steps(1);
    CHECK(memory.system_allocations == before.system_allocations);
    CHECK(memory.peak == before.peak);
  }
}

TEST_CASE("lnl-base trains at batch 16 in less than 3 GiB") {
  TrainConfig config;
  set_option(config, "preset=lnl-base");
  config.batch = 16;
  engine::Device device({.threads = 2});
  const Dataset data = draw_dataset(0, config.batch, config.model.size, 2);
  TrainingStep training(device, config, measure_pixels(data.train, config.model.size), {});
  const std::size_t parameters = device.pool().statistics().reserved;
  const StepStatistics step = training.run(Batches(data.train, batch_options(config), 0).next(), 1e-3);
  CHECK(std::isfinite(step.loss));
  CHECK(device.pool().statistics().reserved > 2 * parameters);
  CHECK(device.pool().statistics().reserved < std::size_t{3} << 30);
}
