// What each switch of the network takes away.
#include "fer/model.h"

#include <doctest/doctest.h>
#include <functional>

#include "engine/error.h"

using namespace fermion;
using namespace fermion::fer;

namespace {

struct Network {
  engine::Device device{{.threads = 1}};
  layers::Parameters parameters{device, 1};
  Model model;

  explicit Network(const std::function<void(ModelConfig&)>& change = {})
      : model(parameters, config(change)) {}

  static ModelConfig config(const std::function<void(ModelConfig&)>& change) {
    ModelConfig config;
    config.size = 16, config.width = 4, config.depth = 1, config.grid = 2, config.dropout = 0;
    if (change) change(config);
    return config;
  }
  const layers::Parameter* find(const std::string& name) const {
    for (const layers::Parameter& p : parameters.parameters())
      if (p.name == name) return &p;
    return nullptr;
  }
  bool has(const std::string& part) const {
    for (const layers::Parameter& p : parameters.parameters())
      if (p.name.rfind(part + ".", 0) == 0) return true;
    return false;
  }
  std::int64_t joined() const { return find("head.weight")->value.shape()[1]; }

  Tensor images() {
    const Tensor images = Tensor::empty(device, engine::DType::f32, {2, 16, 16, 3});
    for (std::int64_t i = 0; i < images.size(); ++i)
      images.data<float>()[i] = static_cast<float>(i * i % 13) / 6 - 1;
    return images;
  }
  // The batch's outputs, `part` of them as numbers.
  std::vector<float> run(Tensor Model::Output::*part) {
    Tape tape(device, engine::Mode::evaluate);
    const Tensor output = model.forward(tape, images()).*part;
    if (!output) return {};
    return {output.data<float>(), output.data<float>() + output.size()};
  }
  // Whether `part` of the outputs answers to the parameter.
  bool answers(Tensor Model::Output::*part, const std::string& name) {
    const std::vector<float> before = run(part);
    const Tensor value = find(name)->value;
    for (std::int64_t i = 0; i < value.size(); ++i)
      value.data<float>()[i] += 0.3f * static_cast<float>(i % 3);
    parameters.changed();
    return run(part) != before;
  }
};

}  // namespace

TEST_CASE("the whole network: z joins K regions of 4c features and 4c of the whole face") {
  Network network;
  for (const char* part : {"unet", "local", "non_local", "head"}) CHECK(network.has(part));
  CHECK(network.joined() == 4 * 16 + 16);
  CHECK(network.run(&Model::Output::weights).size() == 2 * 4);
  CHECK(network.run(&Model::Output::local_logits).size() == 4 * 2 * 7);
  CHECK(network.answers(&Model::Output::weights, "non_local.score.weight"));
  CHECK(Network().answers(&Model::Output::joint_logits, "non_local.score.weight"));
  CHECK(Network().answers(&Model::Output::local_logits, "unet.dec.0.conv2.weight"));
}

TEST_CASE("weights decay; gains, shifts and biases do not") {
  for (const bool unet : {true, false}) {
    const Network network([&](ModelConfig& c) { c.unet = unet; });
    for (const layers::Parameter& p : network.parameters.parameters()) {
      const std::string kind = p.name.substr(p.name.rfind('.') + 1);
      CHECK_MESSAGE(p.decay == (kind == "weight"), p.name);
    }
  }
}

TEST_CASE("a non-local block starts as the identity: its last gains are zero, all others one") {
  const Network network;
  for (const layers::Parameter& p : network.parameters.parameters()) {
    if (p.name.substr(p.name.rfind('.') + 1) != "gain") continue;
    const float start = p.name.find(".block") == std::string::npos ? 1.0f : 0.0f;
    CHECK_MESSAGE(p.value.to_host<float>() == std::vector<float>(p.value.size(), start), p.name);
  }
  CHECK(!Network().answers(&Model::Output::weights, "non_local.block1.qkv.weight"));
}

TEST_CASE("unet=false: a stem of convolutions in its place") {
  const Network network([](ModelConfig& c) { c.unet = false; });
  CHECK(!network.has("unet"));
  CHECK(network.has("stem"));
}

TEST_CASE("non_local=false: no weights, no logits of its own, z without g") {
  Network network([](ModelConfig& c) { c.non_local = false; });
  CHECK(!network.has("non_local"));
  CHECK(network.joined() == 4 * 16);
  CHECK(network.run(&Model::Output::weights).empty());
  CHECK(network.run(&Model::Output::non_local_logits).empty());
}

TEST_CASE("local=false: z is g") {
  Network network([](ModelConfig& c) { c.local = false; });
  CHECK(!network.has("local"));
  CHECK(network.joined() == 16);
  CHECK(network.run(&Model::Output::local_logits).empty());
}

TEST_CASE("feedback=false: the weights are there, and z does not answer to them") {
  const auto change = [](ModelConfig& c) { c.feedback = false; };
  CHECK(Network(change).answers(&Model::Output::weights, "non_local.score.weight"));
  CHECK(!Network(change).answers(&Model::Output::joint_logits, "non_local.score.weight"));
  CHECK(Network(change).joined() == 4 * 16 + 16);
}

TEST_CASE("local_input=encoder0: the local networks do not answer to the rest of the U-Net") {
  const auto change = [](ModelConfig& c) { c.local_input = "encoder0"; };
  CHECK(Network(change).answers(&Model::Output::local_logits, "unet.enc.0.conv2.weight"));
  CHECK(!Network(change).answers(&Model::Output::local_logits, "unet.dec.0.conv2.weight"));
  CHECK(Network(change).answers(&Model::Output::weights, "unet.dec.0.conv2.weight"));
}

TEST_CASE("local_input=encoder0 with unet=false: the local networks read the stem's first two convolutions") {
  const auto change = [](ModelConfig& c) { c.unet = false, c.local_input = "encoder0"; };
  for (const int conv : {1, 2, 3, 4}) {
    const std::string weight = fmt::format("stem.conv{}.weight", conv);
    INFO(weight);
    CHECK(Network(change).answers(&Model::Output::local_logits, weight) == (conv <= 2));
    CHECK(Network(change).answers(&Model::Output::weights, weight));
  }
}

TEST_CASE("the loss adds the terms of the parts that are there") {
  for (const bool non_local : {true, false}) {
    Network network([&](ModelConfig& c) { c.non_local = non_local; });
    Tape tape(network.device, engine::Mode::evaluate);
    const Model::Output output =
        network.model.forward(tape, Tensor::zeros(network.device, engine::DType::f32, {2, 16, 16, 3}));
    const Tensor targets = Tensor::zeros(network.device, engine::DType::f32, {2, 7});
    targets.data<float>()[1] = targets.data<float>()[9] = 1;
    LossOptions options;
    options.non_local = 0.5f, options.local = 0.25f, options.tau = 2;
    const Loss terms = loss(tape, output, targets, options);
    const auto value = [](const Tensor& term) { return term ? *term.data<float>() : 0.0f; };
    CHECK(bool(terms.non_local) == non_local);
    CHECK(bool(terms.entropy) == non_local);
    CHECK(value(terms.total) == doctest::Approx(value(terms.joint) + 0.5 * value(terms.non_local) +
                                                0.25 * value(terms.local) + 2 * value(terms.entropy)));
  }
}

TEST_CASE("any combination of switches is refused, or a gradient arrives at every parameter") {
  int refused = 0;
  for (int bits = 0; bits < 32; ++bits) {
    const auto on = [&](int bit) { return (bits >> bit & 1) != 0; };
    const auto change = [&](ModelConfig& c) {
      c.unet = on(0), c.non_local = on(1), c.feedback = on(2), c.local = on(3);
      c.local_input = on(4) ? "unet" : "encoder0";
    };
    const bool sensible = on(1) || (on(3) && on(4));
    refused += !sensible;
    INFO("unet, non_local, feedback, local, local_input=unet: ", on(0), on(1), on(2), on(3), on(4));
    if (!sensible) {
      CHECK_THROWS_AS(check(Network::config(change)), engine::Error);
      continue;
    }
    Network network(change);
    Tape tape(network.device, engine::Mode::train);
    const Tensor targets = Tensor::zeros(network.device, engine::DType::f32, {2, 7});
    tape.backward(loss(tape, network.model.forward(tape, network.images()), targets, {}).total);
    for (const layers::Parameter& p : network.parameters.parameters())
      CHECK_MESSAGE(p.value.gradient(), p.name);
  }
  CHECK(refused == 12);
}

TEST_CASE("a network that cannot be is refused") {
  CHECK_THROWS_AS(Network([](ModelConfig& c) { c.local = c.non_local = false; }), engine::Error);
  CHECK_THROWS_AS(Network([](ModelConfig& c) { c.size = 17; }), engine::Error);
  CHECK_THROWS_AS(Network([](ModelConfig& c) { c.grid = 3; }), engine::Error);
}
