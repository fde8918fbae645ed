// What is loaded from a checkpoint to evaluate with.
#include "fer/checkpoint.h"

#include <doctest/doctest.h>
#include <omp.h>

#include "fer/synth_dataset.h"
#include "tests/fer/minute_run.h"

using namespace fermion;
using namespace fermion::fer;

namespace {

// What the checkpoint's network says of test faces.
Predictions predictions_of(const std::filesystem::path& checkpoint) {
  static const Dataset data = draw_dataset(0, minute_faces, minute_size, 1);
  const ReadyModel ready = ready_model(checkpoint);
  return predict(*ready.loaded.model, *ready.device, ready.loaded.info.preprocessing, data.test);
}

}  // namespace

TEST_CASE("the network of `last` is the averaged one, which is `best` where that is the same epoch") {
  const std::filesystem::path last = minute_run().run / "last.safetensors";
  const engine::SafeTensors file = engine::read_safetensors(last);
  REQUIRE(checkpoint_info(file, last).epoch == checkpoint_info(file, last).best_epoch);
  // Else the test could not tell them apart.
  for (const char* name : {"head.weight", "local.norm1.running_var"}) {
    REQUIRE(file.find(name));
    CHECK(file.find(name)->bytes != file.find(std::string("ema.") + name)->bytes);
  }
  const Predictions from_last = predictions_of(last), from_best = predictions_of(minute_run().best);
  CHECK(from_last.faces == 16);
  CHECK(from_last.probabilities == from_best.probabilities);
  CHECK(from_last.weights == from_best.weights);
}

TEST_CASE("a model is evaluated by as many threads as its run had, where there are so many cores") {
  const TemporaryFolder folder;
  const std::filesystem::path copy = folder / "copy.safetensors";
  engine::SafeTensors file = engine::read_safetensors(minute_run().best);
  nlohmann::json all = nlohmann::json::parse(file.metadata["fermion"]);
  for (const int threads : {1, most_threads}) {
    all["threads"] = threads;
    file.metadata["fermion"] = all.dump();
    engine::write_safetensors(copy, file);
    CHECK(ready_model(copy).device->threads() == std::min(threads, omp_get_num_procs()));
  }
}
