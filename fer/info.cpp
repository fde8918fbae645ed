#include "fer/info.h"

#include <nlohmann/json.hpp>
#include <set>

#include "fer/progress.h"

namespace fermion::fer {
namespace {

// Two images, since a norm over a single value would refuse.
constexpr std::int64_t images = 2;

// Multiply-adds behind the outputs. `weight` [..., Co, Kh, Kw, Ci] or [..., Co, Ci] is the op's first
// parameter.
std::int64_t macs_of(const std::string& op, const Tensor& weight, const Tensor& output) {
  const engine::Shape& y = output.shape();
  if (op == "attention") return 2 * output.size() * y[1] * y[2];
  if (op != "conv2d" && op != "conv_transpose2d" && op != "linear") return 0;
  const engine::Shape& w = weight.shape();
  const std::int64_t taps = op == "conv2d" ? w[-3] * w[-2] : 1;
  return output.size() * taps * w[-1];
}

}  // namespace

std::vector<LayerRow> network_table(const ModelConfig& config) {
  engine::Device device;
  layers::Parameters parameters(device, 0);
  Model model(parameters, config);
  std::set<const void*> leaves;
  for (const layers::Parameter& p : parameters.parameters()) leaves.insert(p.value.data<float>());

  std::vector<LayerRow> rows;
  engine::Tape tape(device, engine::Mode::train, {0, Tensor::zeros(device, engine::DType::i32, {1})});
  tape.observe(
      [&](const std::string& label, const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs) {
        LayerRow row;
        row.name = label;
        row.output = outputs.front().shape();
        // The batch is the second dimension of what the bank makes.
        const int batch =
            row.output.rank() == 5 || (row.output.rank() == 3 && label.rfind("local", 0) == 0) ? 1 : 0;
        row.output.set(batch, 1);
        Tensor weight;
        for (const Tensor& input : inputs)
          if (input && input.dtype() == engine::DType::f32 && leaves.count(input.data<float>())) {
            row.parameters += input.size();
            if (!weight) weight = input;
          }
        row.macs = macs_of(label.substr(label.rfind('/') + 1), weight, outputs.front()) / images;
        row.bytes = static_cast<std::int64_t>(outputs.front().bytes()) / images;
        rows.push_back(std::move(row));
      });
  model.forward(tape, Tensor::zeros(device, engine::DType::f32, {images, config.size, config.size, 3}));
  return rows;
}

int info_command(const ModelConfig& config, bool json) {
  const std::vector<LayerRow> rows = network_table(config);
  LayerRow total;
  nlohmann::json layers = nlohmann::json::array();
  if (!json)
    fmt::print("{:<44} {:<22} {:>11} {:>10} {:>10}\n", "layer", "output", "parameters", "MMACs", "KiB");
  for (const LayerRow& row : rows) {
    std::vector<std::int64_t> output;
    for (int i = 0; i < row.output.rank(); ++i) output.push_back(row.output[i]);
    layers.push_back({{"name", row.name},
                      {"output", output},
                      {"parameters", row.parameters},
                      {"macs", row.macs},
                      {"bytes", row.bytes}});
    if (!json)
      fmt::print("{:<44} {:<22} {:>11} {:>10.2f} {:>10.1f}\n", row.name, row.output.text(), row.parameters,
                 static_cast<double>(row.macs) / 1e6, static_cast<double>(row.bytes) / 1024);
    total.parameters += row.parameters;
    total.macs += row.macs;
    total.bytes += row.bytes;
  }
  if (json) {
    fmt::print("{}\n",
               nlohmann::json{{"layers", layers}, {"parameters", total.parameters}, {"flops", 2 * total.macs}}
                   .dump());
    return 0;
  }
  fmt::print("{:<44} {:<22} {:>11} {:>10.2f} {:>10.1f}\n", "all, one image", "", total.parameters,
             static_cast<double>(total.macs) / 1e6, static_cast<double>(total.bytes) / 1024);
  fmt::print("{:.2f} M parameters, {:.3f} GFLOP forward per image\n",
             static_cast<double>(total.parameters) / 1e6, 2e-9 * static_cast<double>(total.macs));
  return 0;
}

}  // namespace fermion::fer
