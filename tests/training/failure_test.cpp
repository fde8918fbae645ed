// What stops a run, and what is then left of it.
#include <cmath>
#include <doctest/doctest.h>
#include <limits>

#include "engine/error.h"
#include "fer/synth_dataset.h"
#include "fer/training_loop.h"
#include "tests/training/small_runs.h"

using namespace fermion;
using namespace fermion::fer;

namespace {

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const engine::Error& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A step on drawn faces, and the first batch.
struct Step {
  TrainConfig config = small_config();
  engine::Device device{{.threads = 1, .poison = true}};
  Dataset data = draw_dataset(0, config.faces, config.model.size, 1);
  TrainingStep training{device, config, measure_pixels(data.train, config.model.size), {}};
  Batch batch = Batches(data.train, batch_options(config), 0).next();

  Step() { training.run(batch, config.lr); }
  // Every tensor that the optimiser would save.
  std::vector<engine::NamedTensor> state() {
    engine::SafeTensors file;
    training.optimizer().save(file);
    return file.tensors;
  }
  Tensor parameter(const std::string& name) {
    for (const layers::Parameter& p : training.parameters().parameters())
      if (p.name == name) return p.value;
    FAIL("no parameter " << name);
    return {};
  }
};

}  // namespace

TEST_CASE("a learning rate that blows up stops the run and leaves its checkpoints") {
  const TemporaryFolder folder;
  const fs::path run = folder / "run";
  CHECK(train(run, small_config({"lr=1e30", "warmup=0", "clip=0"}), 1) == 130);
  const std::string last = text_of(run / "last.safetensors");
  const std::string message = message_of([&] { resume(run); });
  CHECK(contains(message, "step 2, learning rate"));
  CHECK(contains(message, "made a value that is not finite, shape ["));
  CHECK(text_of(run / "last.safetensors") == last);
  CHECK(!fs::exists(run / "best.safetensors"));
}

TEST_CASE("a planted NaN is traced to the op that reads it, and nothing else changes") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const struct {
    const char *parameter, *op;
    float value;
  } plants[] = {
      {"unet.enc.0.conv1.weight", "unet.enc.0.conv1/conv2d made", nan},
      {"unet.enc.1.norm2.gain", "unet.dec.0.up/conv_transpose2d made", nan},
      {"local.head.bias", "local.head/linear made", inf},
      {"non_local.block1.qkv.weight", "non_local.block1.qkv/conv2d made", nan},
      {"head.weight", "head/linear made", nan},
  };
  for (const auto& plant : plants) {
    INFO(plant.parameter);
    Step step;
    step.parameter(plant.parameter).data<float>()[0] = plant.value;
    const auto before = step.state();
    const std::string message = message_of([&] { step.training.run(step.batch, 1e-3); });
    CHECK_MESSAGE(contains(message, plant.op), message);
    CHECK(step.state() == before);
  }
}

// Features of nearly zero hide huge weights from the loss, but not from the features' gradient.
void make_backward_overflow(Step& step) {
  const Tensor gain = step.parameter("local.norm3.gain");
  for (std::int64_t i = 0; i < gain.size(); ++i) gain.data<float>()[i] = 1e-30f;
  step.parameter("local.norm3.shift").fill_zero();
  const Tensor weight = step.parameter("local.head.weight");
  for (std::int64_t i = 0; i < weight.size(); ++i) weight.data<float>()[i] *= 1e38f;
  for (float& target : step.batch.targets) target *= 1e6f;
}

TEST_CASE("a gradient that is not finite is traced to the backward that made it") {
  Step step;
  make_backward_overflow(step);
  const auto before = step.state();
  const std::string message = message_of([&] { step.training.run(step.batch, 1e-3); });
  CHECK_MESSAGE(contains(message, "local.head/linear backward made a gradient that is not finite"), message);
  CHECK(step.state() == before);
}

TEST_CASE("after a bad step a good one gives the bits it would have given") {
  Step disturbed, straight;
  Tensor weight = disturbed.parameter("head.weight");
  const float saved = weight.data<float>()[3];
  weight.data<float>()[3] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(disturbed.training.run(disturbed.batch, 1e-3), engine::Error);
  weight.data<float>()[3] = saved;
  disturbed.training.run(disturbed.batch, 1e-3);
  straight.training.run(straight.batch, 1e-3);
  CHECK(disturbed.state() == straight.state());
}

TEST_CASE("the same when it was the backward that threw") {
  Step disturbed, straight;
  engine::SafeTensors saved;
  disturbed.training.optimizer().save(saved);
  make_backward_overflow(disturbed);
  CHECK_THROWS_AS(disturbed.training.run(disturbed.batch, 1e-3), engine::Error);
  disturbed.training.optimizer().load(saved);
  disturbed.training.run(straight.batch, 1e-3);
  straight.training.run(straight.batch, 1e-3);
  CHECK(disturbed.state() == straight.state());
}

TEST_CASE("patience ends a run early, and ends it for good") {
  const TemporaryFolder folder;
  const fs::path run = folder / "run", again = folder / "again";
  // The weights stay, so that accuracy soon stays with them.
  const TrainConfig config = small_config({"lr=0", "epochs=12", "patience=2"});
  CHECK(train(run, config, -1) == 0);
  const std::int64_t epochs = std::ssize(records(run));
  CHECK(epochs < config.epochs);
  CHECK(epochs == info_of(run / "best.safetensors").best_epoch + config.patience);
  // A run that was stopped there, before its report, does not go on with another epoch.
  CHECK(train(again, config, epochs * steps_per_epoch) == 130);
  CHECK(resume(again, -1) == 0);
  CHECK(difference(run, again) == "");
}

TEST_CASE("a batch larger than the set says how large it may be") {
  const TemporaryFolder folder;
  CHECK(message_of([&] { train(folder / "run", small_config({"batch=97"})); }) ==
        "a batch of 97 is larger than the 96 training faces; set batch to at most 96");
  CHECK(!fs::exists(folder / "run"));
}

TEST_CASE("a warm-up longer than the run is refused") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH_AS(train(folder / "run", small_config({"warmup=12"})),
                       "a warm-up of 12 steps does not fit into a run of 12", UsageError);
  CHECK(!fs::exists(folder / "run"));
  CHECK(train(folder / "run", small_config({"warmup=11"}), 1) == 130);
}

TEST_CASE("a folder that exists is refused, whatever it holds") {
  const TemporaryFolder folder;
  const std::string name = "'" + folder.path().string() + "' exists";
  CHECK(message_of([&] { train(folder.path(), small_config()); }) ==
        name + " and is no run to go on with; choose another --out");
  write_file(folder / "last.safetensors", "");
  CHECK(message_of([&] { train(folder.path(), small_config()); }) ==
        name + "; choose another --out, or --resume to go on with it");
}

TEST_CASE("two processes do not write into one folder") {
  const TemporaryFolder folder;
  const fs::path path = folder / "run";
  Run first = new_run(small_config(), path, ""), second = new_run(small_config(), path, "");
  make_folder(first);
  CHECK(message_of([&] { make_folder(second); }) == "'" + path.string() + "' exists; choose another --out");
  CHECK(fs::exists(path / "last.safetensors"));
  make_folder(second, true);
  CHECK(second.folder == folder / "run-2");
  CHECK(fs::exists(folder / "run-2" / "last.safetensors"));
  CHECK(message_of([&] { resume(path, 1); }) ==
        "'" + path.string() + "' is in use: another fer train writes there");
  first.lock.reset();
  CHECK(resume(path, 1) == 130);
}

TEST_CASE("what --resume needs") {
  const TemporaryFolder folder;
  const fs::path run = folder / "run", last = run / "last.safetensors";
  TrainOptions nowhere;
  nowhere.resume = true;
  CHECK_THROWS_WITH_AS(train_command(nowhere), "--resume needs --out with the folder of the run", UsageError);
  CHECK(message_of([&] { resume(run); }) ==
        "there is no '" + last.string() + "' to go on with; start the run anew");

  train(run, small_config(), 7);
  SUBCASE("the same faces") {
    TrainOptions options;
    options.out = run;
    options.resume = true;
    options.config.data = folder.path().string();
    // Faces of two classes, enough of them to hold some out.
    for (const char* name : {"happy", "sad"})
      for (int i = 0; i < 12; ++i) {
        fs::create_directories(folder / "train" / name);
        FaceOptions face;
        face.index = i;
        face.size = 16;
        Image image{16, 16, std::vector<std::uint8_t>(16 * 16 * 3)};
        draw_face(face, image.rgb.data());
        write_png(folder / "train" / name / (std::to_string(i) + ".png"), image);
      }
    const std::string message = message_of([&] { train_command(options); });
    CHECK_MESSAGE(contains(message, "the faces are not those that"), message);
  }
  SUBCASE("a checkpoint that is whole") {
    const std::string whole = text_of(last);
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{7}, whole.size() / 2, whole.size() - 1}) {
      write_file(last, std::string_view(whole).substr(0, bytes));
      CHECK(contains(message_of([&] { resume(run); }), last.string()));
    }
    std::string damaged = whole;
    damaged[whole.size() - 100] ^= 1;
    write_file(last, damaged);
    CHECK(contains(message_of([&] { resume(run); }), last.string()));
  }
  SUBCASE("the checkpoint to go on with, not the one to evaluate") {
    fs::copy_file(run / "best.safetensors", last, fs::copy_options::overwrite_existing);
    const std::string message = message_of([&] { resume(run); });
    CHECK_MESSAGE(contains(message, "is nothing to go on with: "), message);
  }
  SUBCASE("tensors that fit the configuration") {
    train(folder / "wider", small_config({"width=8"}), 7);
    engine::SafeTensors file = engine::read_safetensors(folder / "wider" / "last.safetensors");
    file.metadata = engine::read_safetensors(last).metadata;
    engine::write_safetensors(last, file);
    const std::string message = message_of([&] { resume(run); });
    CHECK_MESSAGE(contains(message, "is nothing to go on with: "), message);
  }
  SUBCASE("an optimiser at the same step") {
    engine::SafeTensors file = engine::read_safetensors(last);
    const std::string step7 = file.metadata["fermion"];
    resume(run, 8);
    file = engine::read_safetensors(last);
    file.metadata["fermion"] = step7;
    engine::write_safetensors(last, file);
    CHECK(contains(message_of([&] { resume(run); }), "it is at step 7, its optimiser at 8"));
  }
  SUBCASE("a description that makes sense") {
    engine::SafeTensors file = engine::read_safetensors(last);
    const nlohmann::json good = nlohmann::json::parse(file.metadata["fermion"]);
    nlohmann::json two_steps = good["running"];
    two_steps["steps"] = 2;
    const std::pair<const char*, nlohmann::json> changes[] = {
        {"step", -1},
        {"step", 8},
        {"epoch", 2},
        {"threads", 1'000'000},
        {"running", two_steps},
        {"running", "sum"},
        {"epochs", 3},
        {"best_epoch", 7},
        {"classes", {"a", "b"}},
        {"config", {}},
        {"format", 2},
        {"fingerprint", 12},
        {"preprocessing", nullptr},
    };
    for (const auto& [key, value] : changes) {
      nlohmann::json bad = good;
      bad[key] = value;
      file.metadata["fermion"] = bad.dump();
      engine::write_safetensors(last, file);
      const std::string message = message_of([&] { resume(run); });
      CHECK_MESSAGE(contains(message, run.string()), std::string(key) << ": " << message);
    }
    file.metadata.clear();
    engine::write_safetensors(last, file);
    CHECK(contains(message_of([&] { resume(run); }), last.string()));
  }
}
