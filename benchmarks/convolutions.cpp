#include "benchmarks/convolutions.h"

#include <deque>
#include <fmt/core.h>

#include "benchmarks/conv_peer.h"
#include "benchmarks/timing.h"
#include "engine/tensor.h"
#include "tests/conv_layers.h"

namespace fermion::benchmarks {
namespace {

using engine::Tensor;
using kernels::Gradient;
using kernels::Norm;

Tensor numbers(engine::Device& device, std::int64_t count) {
  const Tensor tensor = Tensor::empty(device, engine::DType::f32, {count});
  for (std::int64_t i = 0; i < count; ++i)
    tensor.data<float>()[i] = 0.01f * static_cast<float>(i % 97) - 0.5f;
  return tensor;
}

// Our side: one layer with all its tensors.
class Ours {
 public:
  Ours(engine::Device& device, const kernels::Conv2d& dims) : device_(device), dims_(dims) {
    const std::int64_t x = dims.K * dims.N * dims.H * dims.W, y = dims.K * dims.N * dims.Ho() * dims.Wo();
    first_ = numbers(device, x * dims.first_channels);
    second_ = numbers(device, x * dims.second_channels);
    d_first_ = numbers(device, first_.size());
    d_second_ = numbers(device, second_.size());
    weight_ = numbers(device, dims.K * dims.Co * dims.kernel * dims.kernel * dims.Ci());
    d_weight_ = numbers(device, weight_.size());
    y_ = numbers(device, y * dims.Co);
    da_ = numbers(device, y_.size());
    const std::int64_t channels = dims.K * std::max(dims.Ci(), dims.Co);
    for (Tensor* t :
         {&gain_, &shift_, &mean_, &inv_std_, &mean_out_, &inv_std_out_, &sums_, &d_gain_, &d_shift_})
      *t = numbers(device, channels);
    arrived_ = Tensor::zeros(device, engine::DType::f32, {channels});
  }

  void forward(bool norms) {
    device_.run("conv2d", engine::DType::f32, [&](auto ctx, auto) {
      kernels::Conv2dOutput<float> y{.y = y_.data<float>()};
      if (norms) y.mean = mean_out_.data<float>(), y.inv_std = inv_std_out_.data<float>();
      kernels::conv2d_forward(ctx, dims_, input(norms), weight_.data<float>(), y);
    });
  }

  void backward(bool norms, bool dgrad, bool wgrad) {
    kernels::Conv2dGradient<float> gradient;
    float* sums = norms && has_norm() ? sums_.data<float>() : nullptr;
    if (dgrad) {
      gradient.first = {{d_first_.data<float>()}, sums, sums};
      if (second_.size()) gradient.second = {{d_second_.data<float>()}};
    }
    if (wgrad) gradient.weight = {d_weight_.data<float>()};
    if (norms) gradient.gain = {d_gain_.data<float>()}, gradient.shift = {d_shift_.data<float>()};
    const float* arrived = norms ? arrived_.data<float>() : nullptr;
    device_.run("conv2d", engine::DType::f32, [&](auto ctx, auto) {
      kernels::conv2d_backward(ctx, dims_, input(norms), weight_.data<float>(),
                               {y_.data<float>(), norms ? norm() : Norm{}},
                               {da_.data<float>(), arrived, arrived}, gradient);
    });
  }

 private:
  bool has_norm() const { return dims_.Ci() > 3; }
  Norm norm() const {
    return {gain_.data<float>(), shift_.data<float>(), mean_.data<float>(), inv_std_.data<float>(), true};
  }
  kernels::Conv2dInput<float> input(bool norms) const {
    return {{first_.data<float>(), norms && has_norm() ? norm() : Norm{}},
            {second_.size() ? second_.data<float>() : nullptr, {}}};
  }

  engine::Device& device_;
  kernels::Conv2d dims_;
  Tensor first_, second_, d_first_, d_second_, weight_, d_weight_, y_, da_;
  Tensor gain_, shift_, mean_, inv_std_, mean_out_, inv_std_out_, sums_, d_gain_, d_shift_, arrived_;
};

// What is compared: a column of the table.
struct Part {
  const char* name;
  bool backward, dgrad, wgrad;
  int convolutions() const { return backward ? dgrad + wgrad : 1; }
};
constexpr Part parts[] = {{"forward", false, false, false},
                          {"dgrad", true, true, false},
                          {"wgrad", true, false, true},
                          {"backward", true, true, true}};
constexpr double bar_alone = 0.85, bar_with_norms = 0.95;

void run_peer(ConvPeer& peer, const Part& part, bool norms) {
  if (norms)
    return part.backward ? peer.backward_with_passes(part.dgrad, part.wgrad) : peer.forward_with_passes();
  if (!part.backward) peer.run(Direction::forward);
  if (part.wgrad) peer.run(Direction::wgrad);
  if (part.dgrad) peer.run(Direction::dgrad);
}

nlohmann::json compare(engine::Device& device, const test::ConvLayer& layer, bool norms) {
  const kernels::Conv2d& dims = layer.dims;
  Ours ours(device, dims);
  // The weight sets of a bank one after the other with all threads, or each with one: whichever is faster.
  const bool bank = dims.K > 1 && device.threads() > 1;
  std::deque<ConvPeer> peers, single;
  for (std::int64_t k = 0; k < dims.K; ++k) {
    peers.emplace_back(dims, device.threads());
    if (bank) single.emplace_back(dims, 1);
  }
  const double flops = 2.0 * static_cast<double>(dims.K * dims.N * dims.Ho() * dims.Wo()) *
                       static_cast<double>(dims.kernel * dims.kernel * dims.Ci() * dims.Co);
  nlohmann::json row{{"layer", layer.name}, {"count", layer.count}, {"norms", norms}};
  for (const Part& part : parts) {
    if (part.dgrad && dims.Ci() == 3) continue;  // images want no gradient
    std::vector<std::function<void()>> bodies{
        [&] { part.backward ? ours.backward(norms, part.dgrad, part.wgrad) : ours.forward(norms); },
        [&] {
          for (ConvPeer& peer : peers) run_peer(peer, part, norms);
        }};
    if (bank)
      bodies.emplace_back([&] {
#pragma omp parallel for schedule(dynamic) num_threads(device.threads())
        for (ConvPeer& peer : single) run_peer(peer, part, norms);
      });
    const auto seconds = in_turn(Clock(device.threads()), 0.3, bodies);
    const std::size_t best = bank && median(seconds[2]) < median(seconds[1]) ? 2 : 1;
    std::vector<double> ratios;
    for (std::size_t r = 0; r < seconds[0].size(); ++r) ratios.push_back(seconds[best][r] / seconds[0][r]);
    row[part.name] = {{"flops", flops * part.convolutions()},
                      {"seconds", median(seconds[0])},
                      {"peer_seconds", median(seconds[best])},
                      {"ratio", median(ratios)}};
  }
  return row;
}

std::string cell(const nlohmann::json& row, const Part& part) {
  if (!row.contains(part.name)) return "| ";
  const auto& figures = row[part.name];
  const double ratio = figures["ratio"], bar = row["norms"] ? bar_with_norms : bar_alone;
  return fmt::format("| {:.2f} / {:.2f}: {}{:.0f} % ", 1e3 * figures["seconds"].get<double>(),
                     1e3 * figures["peer_seconds"].get<double>(), ratio < bar ? "below " : "", 100 * ratio);
}

// oneDNN's time for all layers of a preset as a share of ours.
void print_total(const std::vector<nlohmann::json>& rows, const std::string& preset, bool norms) {
  std::string line;
  for (const Part& part : parts) {
    double ours = 0, peer = 0;
    for (const auto& row : rows) {
      if (row["norms"] != norms || !row.contains(part.name)) continue;
      if (row["layer"].get<std::string>().rfind(preset, 0) != 0) continue;
      const double seconds = row[part.name]["seconds"], ratio = row[part.name]["ratio"];
      ours += row["count"].get<double>() * seconds;
      peer += row["count"].get<double>() * seconds * ratio;
    }
    if (ours == 0) return;
    line += fmt::format("| {:.1f} % ", 100 * peer / ours);
  }
  fmt::print("| **{}, all layers** | {} {}|\n", preset, norms ? "with norms" : "alone", line);
}

}  // namespace

nlohmann::json bench_convolutions(engine::Device& device, const std::string& text) {
  std::vector<nlohmann::json> rows;
  fmt::print("## conv2d beside oneDNN, {} threads\n\n| layer | row |", device.threads());
  for (const Part& part : parts) fmt::print(" {} |", part.name);
  fmt::print("\n|---|---|---|---|---|---|\n");
  for (const test::ConvLayer& layer : test::conv_layers()) {
    if (layer.name.find(text) == std::string::npos) continue;
    for (const bool norms : {false, true}) {
      rows.push_back(compare(device, layer, norms));
      fmt::print("| {} | {} ", layer.name, norms ? "with norms" : "alone");
      for (const Part& part : parts) fmt::print("{}", cell(rows.back(), part));
      fmt::print("|\n");
      std::fflush(stdout);
    }
  }
  for (const char* preset : {"lnl-tiny", "lnl-base"})
    for (const bool norms : {false, true}) print_total(rows, preset, norms);
  fmt::print(
      "\nours / oneDNN in ms: oneDNN's time as a share of ours. The bars are {:.0f} % alone and {:.0f} % "
      "with norms.\n\n",
      100 * bar_alone, 100 * bar_with_norms);
  return rows;
}

}  // namespace fermion::benchmarks
