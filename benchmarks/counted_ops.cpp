#include "benchmarks/counted_ops.h"

#include <algorithm>
#include <fmt/core.h>
#include <optional>

#include "benchmarks/run_case.h"
#include "engine/profile_range.h"
#include "fer/step_info.h"
#include "fer/step_launches.h"
#include "kernels/conv_tiles.h"
#include "kernels/work.h"
#include "tests/conv_layers.h"
#include "tests/inputs.h"

namespace fermion::benchmarks {
namespace {

using engine::DType;
using engine::Shape;
using kernels::Work;
using nlohmann::json;
using test::OpCase;

// Makes each call of the op a profiled range.
class CallRanges : public engine::CallObserver {
 public:
  CallRanges(engine::Device& device, std::string label) : device_(device), label_(std::move(label)) {
    device.observe(this);
  }
  ~CallRanges() override { device_.observe(nullptr); }

  void begins(const std::string& label) override {
    if (label != label_ && label != label_ + " backward") return;
    backward.push_back(label != label_);
    range_.emplace();
  }
  void ends() override { range_.reset(); }

  std::vector<bool> backward;  // of each range

 private:
  engine::Device& device_;
  std::string label_;
  std::optional<engine::ProfiledPart> range_;
};

json part_of(const char* name, const Work& work, DType dtype) {
  return {{"part", name}, {"flops", work.flops}, {"bytes", work.bytes(engine::size_of(dtype))}};
}

json part_of(const char* name, double flops, const test::Traffic& traffic, DType dtype) {
  return part_of(name, Work{traffic.activations, traffic.other_bytes, flops}, dtype);
}

// With what is known of its activations.
json with_activations(json part, const Work& work, const kernels::Conv2d& d, DType dtype) {
  const auto size = static_cast<std::int64_t>(engine::size_of(dtype));
  part["activations"] = work.activations * static_cast<double>(size);
  const std::int64_t read = d.K * d.N * d.H * d.W * size;
  part["tensors"] = {read * d.first_channels, read * d.second_channels,
                     d.K * d.N * d.Ho() * d.Wo() * d.Co * size};
  return part;
}

// The gradient of x passes the ReLU of x's own norm.
json convolution_backward(const kernels::Conv2d& d, const OpCase& test, DType dtype) {
  const auto of = [&](const char* name, const Work& work) {
    return with_activations(part_of(name, work, dtype), work, d, dtype);
  };
  json parts{part_of("dy", kernels::conv2d_dy_work(d), dtype), of("wgrad", kernels::conv2d_wgrad_work(d))};
  if (test.inputs[0].gradient) parts.push_back(of("dgrad", kernels::conv2d_dgrad_work(d, d.Ci(), d.Ci(), 0)));
  return parts;
}

json transposed_convolution_backward(const OpCase& test, DType dtype) {
  const Shape &x = test.inputs[0].shape, &weight = test.inputs[1].shape;
  const kernels::Conv2d d = kernels::pointwise({x[0], x[1], x[2], x[3], weight[0]});
  return {part_of("wgrad", kernels::conv2d_wgrad_work(d), dtype),
          part_of("dgrad", kernels::conv2d_dgrad_work(d, d.Ci(), d.Ci(), 0), dtype)};
}

Work attention_work(const kernels::Attention& dims, bool backward, double tiles) {
  if (!backward) return kernels::attention_forward_work(dims, tiles);
  Work work = kernels::attention_dtheta_work(dims, tiles);
  return work += kernels::attention_dphi_dg_work(dims, tiles);
}

// The tiles have 128 rows.
json attention_part(const OpCase& test, bool backward, DType dtype) {
  const Shape& qkv = test.inputs[0].shape;
  const kernels::Attention dims{qkv[0], qkv[1] * qkv[2], qkv[3] / 3};
  const auto tiles = static_cast<double>((dims.positions + 127) / 128);
  json part = part_of(backward ? "backward" : "forward", attention_work(dims, backward, 1), dtype);
  part["requested"] = attention_work(dims, backward, tiles).bytes(engine::size_of(dtype));
  return part;
}

// How often the network has it: in training with AdamW, without overlap, with attention of d = 64.
int count_in_step(const std::string& op, const OpCase& test, const test::ConvLayer* layer) {
  if (layer) return layer->count;
  const auto has = [&](const char* text) { return test.name.find(text) != std::string::npos; };
  if (op == "sgd" || has("overlap") || has(", d ")) return 0;
  return has("non-local block") ? 2 : 1;
}

json parts_of(const std::string& op, const OpCase& test, const test::ConvLayer* layer, bool backward,
              DType dtype) {
  if (backward && layer) return convolution_backward(layer->dims, test, dtype);
  if (backward && op == "conv_transpose2d") return transposed_convolution_backward(test, dtype);
  if (op == "attention") return json::array({attention_part(test, backward, dtype)});
  if (backward) return json::array({part_of("backward", test.backward_flops, test.backward_traffic, dtype)});
  const json forward = part_of("forward", test.flops, test.traffic, dtype);
  if (!layer) return json::array({forward});
  return json::array(
      {with_activations(forward, kernels::conv2d_forward_work(layer->dims), layer->dims, dtype)});
}

// One case: its calls, of which each is a range.
void count_case(engine::Device& device, DType dtype, const std::string& op, const OpCase& test,
                const std::vector<test::ConvLayer>& layers, json& calls) {
  const auto found = std::find_if(layers.begin(), layers.end(),
                                  [&](const test::ConvLayer& layer) { return layer.name == test.name; });
  const test::ConvLayer* layer = op == "conv2d" && found != layers.end() ? &*found : nullptr;
  const std::vector<engine::Feature> inputs = test::make_inputs({device, dtype}, test, 1);
  CallRanges ranges(device, "case/" + op);
  run_case(device, test, inputs);
  for (const bool backward : ranges.backward)
    calls.push_back({{"op", op},
                     {"case", test.name},
                     {"count", count_in_step(op, test, layer)},
                     {"parts", parts_of(op, test, layer, backward, dtype)}});
}

json step_fills(DType dtype, std::int64_t images) {
  fer::TrainConfig config = fer::step_config();
  config.batch = images;
  json fills = json::array();
  for (const int multiprocessors : {108, 132})
    fills.push_back({{"multiprocessors", multiprocessors},
                     {"fill", fer::fill_of(fer::step_launches(config, dtype, multiprocessors))}});
  return fills;
}

}  // namespace

json run_counted_ops(engine::Device& device, DType dtype, const std::string& op, const std::string& part,
                     std::int64_t images) {
  const test::Batches batch{.base = images};
  const std::vector<test::ConvLayer> layers = test::conv_layers(batch);
  json calls = json::array();
  std::vector<test::Registered> ops = test::registry();
  std::sort(ops.begin(), ops.end(), [](const auto& a, const auto& b) { return a.op < b.op; });
  for (const test::Registered& registered : ops) {
    if (!op.empty() && registered.op != op) continue;
    for (const OpCase& test : registered.cases(batch).benchmarks) {
      if (test.name.find(part) == std::string::npos || test.name.find("lnl-tiny") != std::string::npos)
        continue;
      fmt::print(stderr, "{}, {}\n", registered.op, test.name);
      count_case(device, dtype, registered.op, test, layers, calls);
    }
  }
  if (calls.empty())
    throw engine::Error("no lnl-base case of {} has '{}' in its name", op.empty() ? "any op" : op, part);
  json all{{"images", images}, {"calls", calls}, {"fills", json::array()}};
  if (part.empty() && (op.empty() || op == "conv2d")) all["fills"] = step_fills(dtype, images);
  return all;
}

}  // namespace fermion::benchmarks
