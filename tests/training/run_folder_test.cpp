// What a run writes into its folder before it trains, and what is left when that fails.
#include <doctest/doctest.h>

#include "tests/training/small_runs.h"

using namespace fermion;
using namespace fermion::fer;

TEST_CASE("config.toml says what was used, and begins the same run") {
  const TemporaryFolder folder;
  const fs::path run = folder / "run", again = folder / "again";
  TrainConfig config = small_config({"epochs=10"});
  config.threads = 0;
  CHECK(train(run, config, 2) == 130);

  TrainConfig written;
  read_toml(written, run / "config.toml");
  CHECK(written.threads == engine::Device().threads());
  CHECK(written.device == "cpu");
  CHECK(written.precision == "fp32");
  CHECK(written.warmup == 6);  // a tenth of the steps
  CHECK(to_json(info_of(run / "last.safetensors").config) == to_json(written));

  CHECK(train(again, written, steps_per_epoch + 1) == 130);
  CHECK(resume(run, steps_per_epoch + 1) == 130);
  CHECK(to_toml(info_of(run / "last.safetensors").config) == text_of(run / "config.toml"));
  CHECK(difference(again, run) == "");
}
