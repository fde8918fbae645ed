// What each option of optimisation does to a step.
#include "fer/training_step.h"

#include <cmath>
#include <doctest/doctest.h>

#include "fer/run.h"
#include "fer/synth_dataset.h"
#include "fer/training_loop.h"
#include "kernels/onednn.h"
#include "tests/training/small_runs.h"

using namespace fermion;
using namespace fermion::fer;
using Values = std::vector<float>;

namespace {

const Dataset& faces() {
  static const Dataset data = draw_dataset(0, 96, 16, 1);
  return data;
}

struct Step {
  engine::Device device{{.threads = 1}};
  TrainConfig config;
  TrainingStep training;
  Batch batch = Batches(faces().train, batch_options(config), 0).next();

  explicit Step(const Assignments& changes, const Values& class_weights = {})
      : config(small_config(changes)),
        training(device, config, measure_pixels(faces().train, 16), class_weights) {}

  StepStatistics run(double learning_rate = 1e-3) { return training.run(batch, learning_rate); }

  static Values values(const layers::Parameters& from) {
    Values all;
    for (const layers::Parameter& p : from.parameters()) {
      const Values values = p.value.to_host<float>();
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  }
  Values values() const { return values(training.parameters()); }
};

double distance(const Values& a, const Values& b) {
  REQUIRE(a.size() == b.size());
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::pow(static_cast<double>(a[i]) - b[i], 2);
  return std::sqrt(sum);
}

void check_equal(const StepStatistics& a, const StepStatistics& b) {
  CHECK(a.joint == doctest::Approx(b.joint).epsilon(1e-5));
  CHECK(a.non_local == doctest::Approx(b.non_local).epsilon(1e-5));
  CHECK(a.local == doctest::Approx(b.local).epsilon(1e-5));
}

// Share of the gradient by which a step of plain SGD at learning rate 1e-3 moves, and the gradient's norm.
struct Move {
  double share, norm;
};
Move move(const Assignments& changes) {
  Assignments all{"optimizer=sgd", "momentum=0", "weight_decay=0", "clip=0"};
  all.insert(all.end(), changes.begin(), changes.end());
  Step step(all);
  const Values before = step.values();
  const double norm = step.run(1e-3).gradient_norm;
  return {distance(step.values(), before) / (1e-3 * norm), norm};
}

}  // namespace

TEST_CASE("tau is the factor of the entropy term") {
  for (const double tau : {0.0, 0.1, 3.0}) {
    Step step({fmt::format("tau={}", tau)});
    const StepStatistics s = step.run();
    CHECK(s.entropy != 0);
    CHECK(s.loss ==
          doctest::Approx(s.joint + 0.5 * s.non_local + 0.5 * s.local + tau * s.entropy).epsilon(1e-5));
  }
}

TEST_CASE("label smoothing mixes every target with the uniform one") {
  Step smoothed({"label_smoothing=0.3"}), plain({}), by_hand({});
  for (float& target : by_hand.batch.targets) target = 0.7f * target + 0.3f / 7;
  const StepStatistics expected = by_hand.run();
  check_equal(smoothed.run(), expected);
  CHECK(std::abs(plain.run().joint - expected.joint) > 1e-3);
}

TEST_CASE("class weights weigh the classes in every term") {
  const Values weights{0.5f, 2, 1, 0, 1.5f, 1, 3};
  Step weighted({}, weights), plain({}), by_hand({});
  for (std::size_t i = 0; i < by_hand.batch.targets.size(); ++i) by_hand.batch.targets[i] *= weights[i % 7];
  const StepStatistics expected = by_hand.run();
  check_equal(weighted.run(), expected);
  CHECK(std::abs(plain.run().joint - expected.joint) > 1e-3);
}

TEST_CASE("class_weights=true: inverse frequencies of the training faces, mean 1") {
  Values mass(7, 0.0f), weights(7);
  for (std::size_t i = 0; i < faces().train.targets.size(); ++i) mass[i % 7] += faces().train.targets[i];
  float sum = 0;
  for (const float m : mass) sum += 1 / m;
  for (std::size_t c = 0; c < 7; ++c) weights[c] = 7 / (mass[c] * sum);
  Step plain({}), by_hand({}, weights);
  const TemporaryFolder folder;
  const Run weighted = new_run(small_config({"class_weights=true"}), folder / "run", "");
  const StepStatistics expected = by_hand.run();
  check_equal(weighted.training->run(plain.batch, 1e-3), expected);
  CHECK(std::abs(plain.run().joint / expected.joint - 1) > 1e-4);
}

TEST_CASE("clip: the longest gradient that a step follows whole; 0: off") {
  CHECK(move({}).share == doctest::Approx(1).epsilon(1e-3));
  CHECK(move({"clip=1e6"}).share == doctest::Approx(1).epsilon(1e-3));
  const Move clipped = move({"clip=0.5"});
  REQUIRE(clipped.norm > 1);
  CHECK(clipped.share * clipped.norm == doctest::Approx(0.5).epsilon(1e-3));
}

TEST_CASE("momentum: Nesterov's first step is 1 + momentum times as long") {
  CHECK(move({"momentum=0.5"}).share == doctest::Approx(1.5).epsilon(1e-3));
  CHECK(move({"momentum=0.9"}).share == doctest::Approx(1.9).epsilon(1e-3));
}

TEST_CASE("weight_decay pulls weights, and nothing else, to zero") {
  Step decaying({"weight_decay=2"}), plain({"weight_decay=0"});
  const std::deque<layers::Parameter>&with = decaying.training.parameters().parameters(),
        &without = plain.training.parameters().parameters();
  std::vector<Values> starts;
  for (const layers::Parameter& p : with) starts.push_back(p.value.to_host<float>());
  decaying.run(1e-2);
  plain.run(1e-2);
  for (std::size_t i = 0; i < with.size(); ++i) {
    Values expected = without[i].value.to_host<float>();
    double pulled = 0;
    for (std::size_t j = 0; j < expected.size(); ++j) {
      const float pull = with[i].decay ? 1e-2f * 2 * starts[i][j] : 0.0f;
      expected[j] -= pull;
      pulled += std::abs(pull);
    }
    INFO(with[i].name);
    CHECK((pulled > 0) == with[i].decay);
    CHECK(distance(with[i].value.to_host<float>(), expected) <= 1e-4 * pulled);
  }
}

TEST_CASE("ema: how much of the average stays in a step, after the first ones at most") {
  for (const double ema : {0.0, 0.05, 0.999}) {
    Step step({fmt::format("ema={}", ema)});
    Values expected = step.values();
    for (int t = 0; t < 3; ++t) {
      step.run(1e-2);
      const Values now = step.values();
      const double decay = std::min(ema, (1.0 + t) / (10 + t));
      for (std::size_t i = 0; i < now.size(); ++i)
        expected[i] = static_cast<float>(decay * expected[i] + (1 - decay) * now[i]);
    }
    const Values average = Step::values(step.training.average());
    CHECK(distance(average, expected) <= 1e-4 * distance(average, Step({}).values()));
  }
}

TEST_CASE("no convolution of training or evaluation runs in oneDNN's naive loop") {
  for (const TrainConfig& config : {drawn_faces_config(), data_set_config()}) {
    const int size = config.model.size;
    const Dataset data = draw_dataset(0, config.batch, size, 2);
    engine::Device device({.threads = 2});
    TrainingStep training(device, config, measure_pixels(data.train, size), {});
    training.run(Batches(data.train, batch_options(config), 0).next(), config.lr);
    engine::Tape tape(device, engine::Mode::evaluate);
    training.average_model().forward(tape,
                                     engine::Tensor::zeros(device, engine::DType::f32, {16, size, size, 3}));
    std::vector<std::string> names;
    device.run("implementations", engine::DType::f32, [&](auto ctx, auto) {
      if constexpr (requires { ctx.primitives; }) names = ctx.primitives.implementations();
    });
    CHECK(names.size() > 30);
    for (const std::string& name : names) CHECK_MESSAGE(name.rfind("ref", 0) != 0, name);
  }
}
