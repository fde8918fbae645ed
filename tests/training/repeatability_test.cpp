// The same seed gives the same bits, however often a run is stopped.
#include <doctest/doctest.h>

#include "tests/training/small_runs.h"

using namespace fermion::fer;

TEST_CASE("the same seed gives the same bits, another seed others") {
  const TemporaryFolder folder;
  for (const char* threads : {"threads=1", "threads=2"}) {
    INFO(threads);
    const fs::path first = folder / threads, second = folder / (threads + std::string(" again"));
    CHECK(train(first, small_config({threads})) == 130);
    CHECK(train(second, small_config({threads})) == 130);
    CHECK(difference(first, second) == "");
    CHECK(records(first).size() == 2);
  }
  train(folder / "other", small_config({"seed=2"}));
  CHECK(difference(folder / "threads=1", folder / "other") != "");
  CHECK(records(folder / "threads=1") != records(folder / "other"));
}

TEST_CASE("the number of loader threads changes nothing") {
  const TemporaryFolder folder;
  train(folder / "one", small_config({"loader_threads=1"}));
  train(folder / "four", small_config({"loader_threads=4"}));
  CHECK(difference(folder / "one", folder / "four") == "");
}

TEST_CASE("stopping after any step and resuming gives the bits of never stopping") {
  const TemporaryFolder folder;
  const fs::path never = folder / "never";
  // Dropout, class weights and label smoothing take part; the set is no multiple of the batch.
  const TrainConfig config = small_config({"faces=100", "class_weights=true", "label_smoothing=0.1"});
  train(never, config);
  for (std::int64_t step = 0; step < all_steps; ++step) {
    INFO("stopped after step " << step);
    const fs::path run = folder / std::to_string(step);
    CHECK(train(run, config, step) == 130);
    CHECK(info_of(run / "last.safetensors").step == step);
    CHECK(info_of(run / "last.safetensors").epoch == step / steps_per_epoch);
    CHECK(resume(run) == 130);
    CHECK(difference(never, run) == "");
  }
}

TEST_CASE("stopping after every step does so too, with SGD as well") {
  const TemporaryFolder folder;
  for (const char* optimizer : {"optimizer=adamw", "optimizer=sgd"}) {
    const fs::path never = folder / optimizer, often = folder / (optimizer + std::string(" often"));
    train(never, small_config({optimizer}));
    train(often, small_config({optimizer}), 0);
    for (std::int64_t step = 1; step <= all_steps; ++step) resume(often, step);
    CHECK(difference(never, often) == "");
  }
}

TEST_CASE("a resumed run keeps the number of threads that it began with") {
  const TemporaryFolder folder;
  train(folder / "run", small_config({"threads=2"}), 3);
  resume(folder / "run", 4);
  CHECK(info_of(folder / "run" / "last.safetensors").threads == 2);
}

TEST_CASE("a run that is at its end only writes its report anew") {
  const TemporaryFolder folder;
  const fs::path run = folder / "run";
  CHECK(train(run, small_config(), -1) == 0);
  const std::string last = text_of(run / "last.safetensors"), metrics = text_of(run / "metrics.json");
  fs::remove(run / "report.html");
  fs::remove(run / "metrics.json");
  CHECK(resume(run, -1) == 0);
  CHECK(text_of(run / "last.safetensors") == last);
  CHECK(fs::exists(run / "report.html"));
  auto before = nlohmann::json::parse(metrics), after = nlohmann::json::parse(text_of(run / "metrics.json"));
  before.erase("peak_bytes"), after.erase("peak_bytes");  // of the process
  CHECK(before == after);
}
