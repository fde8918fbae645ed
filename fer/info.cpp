#include "fer/info.h"

#include <nlohmann/json.hpp>
#include <set>

#include "fer/progress.h"

namespace fermion::fer {
namespace {

// Two images, since a norm over a single value would refuse.
constexpr std::int64_t images = 2;

// Multiply-adds behind the outputs: each output of a convolution or linear layer sums weight.size / (K Co)
// products.
double macs_of(const std::string& op, const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs) {
  const engine::Shape& y = outputs.front().shape();
  const double size = static_cast<double>(outputs.front().size());
  if (op == "attention") return 2 * size * static_cast<double>(y[1] * y[2]);
  if (op != "conv2d" && op != "conv_transpose2d" && op != "linear") return 0;
  for (const Tensor& input : inputs) {
    if (!input || !input.wants_gradient() || input.shape()[-1] == 0) continue;
    const engine::Shape& w = input.shape();
    const bool weight = op == "linear" ? w.rank() >= 2 && w[-2] == y[-1] && w[-1] != y[-1]
                                       : w.rank() >= 4 && w[-2] <= 3 && w[-3] == w[-2];
    if (!weight) continue;
    if (op == "linear") return size * static_cast<double>(w[-1]);
    const double taps = op == "conv2d" ? static_cast<double>(w[-2] * w[-3]) : 1;
    return size * taps * static_cast<double>(w[-1]);
  }
  return 0;
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
        std::vector<Tensor> own;
        for (const Tensor& input : inputs)
          if (input && input.dtype() == engine::DType::f32 && leaves.count(input.data<float>())) {
            row.parameters += input.size();
            own.push_back(input);
          }
        row.macs = macs_of(label.substr(label.rfind('/') + 1), own.empty() ? inputs : own, outputs) / images;
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
                 row.macs / 1e6, static_cast<double>(row.bytes) / 1024);
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
             total.macs / 1e6, static_cast<double>(total.bytes) / 1024);
  fmt::print("{:.2f} M parameters, {:.3f} GFLOP forward per image\n",
             static_cast<double>(total.parameters) / 1e6, 2e-9 * total.macs);
  return 0;
}

}  // namespace fermion::fer
