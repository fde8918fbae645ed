#include "benchmarks/peers.h"

#include <algorithm>
#include <cmath>
#include <fmt/core.h>
#include <limits>
#include <map>
#include <optional>

#include "benchmarks/compared_layer.h"
#include "benchmarks/cublas_peer.h"
#include "benchmarks/cudnn_peer.h"
#include "benchmarks/device_timing.h"
#include "tests/conv_layers.h"
#include "tests/harness.h"

namespace fermion::benchmarks {
namespace {

using engine::DType;

struct Format {
  Arithmetic arithmetic;
  DType dtype;
  const char* name;
};
constexpr Format formats[] = {{Arithmetic::f32, DType::f32, "f32"},
                              {Arithmetic::tf32, DType::f32, "f32, peer in TF32"},
                              {Arithmetic::bf16, DType::bf16, "bf16"}};
constexpr std::pair<Direction, const char*> directions[] = {
    {Direction::forward, "forward"}, {Direction::dgrad, "dgrad"}, {Direction::wgrad, "wgrad"}};

// As a share of the largest number. Sums in f32 differ by their order, and by what Winograd's transformations
// cost; a factor in TF32 is off by up to 2^-12, a result in bf16 by 2^-9 on either side. TF32 where f32 was
// asked for is seen in sums of up to some thousand terms.
double tolerance(const Format& format, double terms) {
  const double sums = 0x1p-15 + 4 * std::numeric_limits<float>::epsilon() * std::sqrt(terms);
  return sums + (format.arithmetic == Arithmetic::bf16   ? 0x1p-7
                 : format.arithmetic == Arithmetic::tf32 ? 0x1p-9
                                                         : 0);
}

// What cuDNN's own gradients by bf16 weights may be off: some are 2e-2 apart from ours where cuBLAS's
// are 3e-3 (9.14, H200).
constexpr double cudnn_bf16_wgrad = 0x1p-5;

// The largest difference as a share of the largest number; NaN where there is one, or where all is zero.
double difference(const std::vector<float>& ours, const std::vector<float>& theirs) {
  double largest = 0, apart = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const double d = std::abs(static_cast<double>(ours[i]) - static_cast<double>(theirs[i]));
    if (!(d <= apart)) apart = d;
    if (std::isnan(apart)) return apart;
    largest = std::max(largest, std::abs(static_cast<double>(theirs[i])));
  }
  return apart / largest;
}

class Comparison {
 public:
  explicit Comparison(engine::Device& device) : device_(device) {}

  // A library that is not here is one line.
  template <class Library>
  std::optional<std::string> load(std::unique_ptr<Library>& library) {
    try {
      library = std::make_unique<Library>(device_);
      return library->version();
    } catch (const std::exception& error) {
      fmt::print("Left out: {}.\n", error.what());
      left_out_.push_back(error.what());
      return std::nullopt;
    }
  }

  void print_head() const {
    fmt::print(
        "\n| layer | direction | arithmetic | peer | largest difference | ours ms | TFLOP/s | peer ms | "
        "peer's time as a share of ours | cold: ours ms | peer ms | share "
        "|\n|---|---|---|---|---|---|---|---|---|---|---|---|\n");
  }

  // own_error: of the peer's gradients by bf16 weights.
  void compare(ComparedLayer& layer, const Format& format, Peer& peer, const std::string& version,
               double own_error = 0) {
    for (const auto& [direction, name] : directions) {
      if (direction == Direction::dgrad && !layer.wants_dx) continue;
      nlohmann::json row{
          {"case", layer.name}, {"direction", name}, {"arithmetic", format.name}, {"peer", version}};
      const std::string start = fmt::format("| {} | {} | {} | {} ", layer.name, name, format.name, version);
      try {
        layer.run(direction);
        peer.run(direction);
        const std::string wrong = judge(layer, format, direction, own_error, row);
        if (!wrong.empty()) {
          differ_.push_back(fmt::format("{}, {}, {}", layer.name, name, format.name));
          fmt::print("{}| **{}** | | | | | | | |\n", start, wrong);
        } else {
          const auto times =
              device_times(device_, {[&] { layer.run(direction); }, [&] { peer.run(direction); }});
          const double ours = times[0].seconds, theirs = times[1].seconds;
          row["seconds"] = ours, row["peer_seconds"] = theirs, row["flops"] = layer.flops();
          const double cold = times[0].cold_seconds, their_cold = times[1].cold_seconds;
          row["cold_seconds"] = cold, row["peer_cold_seconds"] = their_cold;
          row["replayed"] = times[0].replayed, row["peer_replayed"] = times[1].replayed;
          fmt::print("{}| {:.1e} | {:.4f} | {:.1f} | {:.4f}{} | {:.0f} % | {:.4f} | {:.4f} | {:.0f} % |\n",
                     start, row["difference"].get<double>(), 1e3 * ours, layer.flops() / ours / 1e12,
                     1e3 * theirs, times[1].replayed ? "" : ", launches included", 100 * theirs / ours,
                     1e3 * cold, 1e3 * their_cold, 100 * their_cold / cold);
        }
      } catch (const std::exception& error) {
        row["left_out"] = error.what();
        fmt::print("{}| {} | | | | | | | |\n", start, error.what());
      }
      std::fflush(stdout);
      rows_.push_back(row);
    }
  }

  nlohmann::json json(const std::string& op) const {
    fmt::print("\n");
    return {{"op", op},
            {"device", device_.name()},
            {"peers", rows_},
            {"left_out", left_out_},
            {"differ", differ_}};
  }

 private:
  // What is wrong with ours, or nothing. Where the peer has an error of its own, ours are held against its
  // gradients in f32 too, which are of the same numbers.
  std::string judge(const ComparedLayer& layer, const Format& format, Direction direction, double own_error,
                    nlohmann::json& row) {
    const std::vector<float> ours = layer.result(direction), theirs = layer.peer_result(direction);
    const bool wgrad = direction == Direction::wgrad;
    if (wgrad && format.arithmetic == Arithmetic::f32) in_f32_[layer.name] = theirs;
    const double apart = difference(ours, theirs), narrow = tolerance(format, layer.terms(direction));
    const bool wide =
        own_error > 0 && wgrad && format.arithmetic == Arithmetic::bf16 && in_f32_.contains(layer.name);
    const double most = wide ? own_error : narrow;
    row["difference"] = apart, row["tolerance"] = most;
    if (!(apart <= most)) return fmt::format("{:.1e}, more than {:.1e}", apart, most);
    if (!wide) return {};
    const double from_f32 = difference(ours, in_f32_.at(layer.name));
    row["difference_from_f32"] = from_f32;
    return from_f32 <= narrow ? "" : fmt::format("{:.1e} from f32, more than {:.1e}", from_f32, narrow);
  }

  engine::Device& device_;
  std::map<std::string, std::vector<float>> in_f32_;  // by layers, a peer's gradients by their weights
  std::vector<nlohmann::json> rows_;
  std::vector<std::string> left_out_, differ_;
};

kernels::Linear linear_dims(const test::OpCase& test) {
  const engine::Shape &x = test.inputs[0].shape, &weight = test.inputs[1].shape;
  return {x.rank() == 3 ? x[0] : 1, x[-2], x[-1], weight[-2]};
}

}  // namespace

nlohmann::json bench_peers(engine::Device& device, const std::string& op, const std::string& part) {
  if (op != "conv2d" && op != "linear")
    throw engine::Error("there are peers of conv2d and linear, not of '{}'", op);
  Comparison comparison(device);
  std::unique_ptr<Cudnn> cudnn;
  std::unique_ptr<Cublas> cublas;
  fmt::print("## {} beside NVIDIA's libraries\n\n", op);
  const auto cudnn_version = op == "conv2d" ? comparison.load(cudnn) : std::nullopt;
  const auto cublas_version = comparison.load(cublas);
  if (!cudnn && !cublas) return comparison.json(op);
  comparison.print_head();
  if (op == "linear")
    for (const test::Registered& registered : test::registry())
      for (const test::OpCase& test :
           registered.op == op ? registered.cases({}).benchmarks : std::vector<test::OpCase>())
        for (const Format& format : formats) {
          if (test.name.find(part) == std::string::npos) continue;
          const auto layer = compared(device, test.name, linear_dims(test), format.dtype);
          comparison.compare(*layer, format,
                             *cublas->peer(linear_dims(test), format.arithmetic, layer->tensors),
                             *cublas_version);
        }
  for (const test::ConvLayer& conv : op == "conv2d" ? test::conv_layers() : std::vector<test::ConvLayer>())
    for (const Format& format : formats) {
      if (conv.name.find(part) == std::string::npos) continue;
      const kernels::Conv2d& d = conv.dims;
      const auto layer = compared(device, conv.name, d, format.dtype);
      if (cudnn)
        comparison.compare(*layer, format, *cudnn->peer(d, format.arithmetic, layer->tensors), *cudnn_version,
                           cudnn_bf16_wgrad);
      if (cublas && d.kernel == 1)
        comparison.compare(
            *layer, format,
            *cublas->peer({d.K, d.N * d.H * d.W, d.Ci(), d.Co}, format.arithmetic, layer->tensors),
            *cublas_version);
    }
  return comparison.json(op);
}

}  // namespace fermion::benchmarks
