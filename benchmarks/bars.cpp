#include "benchmarks/bars.h"

#include <algorithm>
#include <fmt/core.h>
#include <functional>
#include <map>

#include "engine/error.h"

namespace fermion::benchmarks {
namespace {

using nlohmann::json;

enum class Kind { pass, attention, product };

// A part of a call: what it must do, and what its kernels did.
struct Part {
  std::string op, name, part;
  Kind kind = Kind::pass;
  double count = 1;
  double flops = 0, bytes = 0, requested_least = 0;  // the last of attention: what its tiles ask for
  double activations = 0;                            // of the bytes; 0 where it is not known
  std::vector<double> tensors;                       // bytes of each tensor of activations
  double launches = 0, distinct = 0, activations_requested = 0, requested = 0, waves = 0, excess = 0,
         instructions = 0, mma = 0, mma_flops = 0;
  double useful = 0;  // of mma_flops: zeros at the ends of tiles are not

  void add(const json& launch) {
    const auto number = [&](const char* counter) { return launch.at(counter).get<double>(); };
    ++launches;
    distinct += 32 * (number("unique_sectors_read") + number("unique_sectors_written"));
    requested += 32 * (number("global_ld_sectors") + number("global_st_sectors"));
    for (const json& memory : launch.at("allocations"))
      if (std::count(tensors.begin(), tensors.end(), memory.at("bytes").get<double>()))
        activations_requested +=
            32 * (memory.at("ld_sectors").get<double>() + memory.at("st_sectors").get<double>());
    waves += number("shared_wavefronts");
    excess += number("shared_wavefronts_excess");
    const json& of_warps = launch.at("warp_instructions");
    instructions += of_warps.at("total").get<double>() - of_warps.at("mov").get<double>();
    mma += number("mma_instructions");
    mma_flops += number("mma_flops");
  }
};

Kind kind_of(const std::string& op) {
  if (op == "attention") return Kind::attention;
  return op == "conv2d" || op == "conv_transpose2d" || op == "linear" ? Kind::product : Kind::pass;
}

Part make_part(const json& call, const json& part) {
  return {.op = call.at("op"),
          .name = call.at("case"),
          .part = part.at("part"),
          .kind = kind_of(call.at("op")),
          .count = call.at("count"),
          .flops = part.at("flops"),
          .bytes = part.at("bytes"),
          .requested_least = part.value("requested", 0.0),
          .activations = part.value("activations", 0.0),
          .tensors = part.value("tensors", std::vector<double>())};
}

// Which part of a convolution's backward a kernel belongs to, by its name.
const char* backward_part(const std::string& kernel) {
  const auto has = [&](const char* text) { return kernel.find(text) != std::string::npos; };
  if (has("turn_into_dy")) return "dy";
  return has("wgrad_kernel") || has("PatchColumns") || has("gemm_splits") ? "wgrad" : "dgrad";
}

std::vector<Part> measured_parts(const json& calls, const json& counters) {
  if (counters.at("launches_not_listed") != 0)
    throw engine::Error("the file of counters leaves out launches");
  std::map<std::size_t, std::vector<Part>> by_range;
  std::size_t range = 0;
  for (const json& call : calls) {
    std::vector<Part>& parts = by_range[++range];
    for (const json& part : call.at("parts")) parts.push_back(make_part(call, part));
  }
  for (const json& launch : counters.at("launches")) {
    const auto found = by_range.find(launch.at("range").get<std::size_t>());
    if (found == by_range.end())
      throw engine::Error("the counters are of another run: there are more ranges");
    std::vector<Part>& parts = found->second;
    Part* part = &parts.front();
    if (parts.size() > 1) {
      const char* name = backward_part(launch.at("kernel"));
      part = std::find_if(parts.data(), parts.data() + parts.size(),
                          [&](const Part& p) { return p.part == name; });
      if (part == parts.data() + parts.size())
        throw engine::Error("{} of {}: a kernel of '{}', which this layer does not want", parts.front().op,
                            parts.front().name, name);
    }
    part->add(launch);
  }
  std::vector<Part> all;
  for (auto& [unused, parts] : by_range) all.insert(all.end(), parts.begin(), parts.end());
  for (Part& part : all) {
    if (part.launches == 0)
      throw engine::Error("{}, {}: no launch of its {} was counted", part.op, part.name, part.part);
    part.useful = std::min(part.mma_flops, part.flops);
  }
  return all;
}

std::string quotient(double part, double whole, const char* format = "{:.2f}") {
  return whole > 0 ? fmt::format(fmt::runtime(format), part / whole) : "";
}

void print_parts(const std::vector<Part>& parts) {
  fmt::print(
      "| op | case | part | launches | DRAM: distinct / least | L2: requested / least | requested B/flop | "
      "shared "
      "wavefronts | in excess | per mma | flops in mma | useful of issued "
      "|\n|---|---|---|---|---|---|---|---|---|---|---|---|\n");
  for (const Part& p : parts)
    fmt::print("| {} | {} | {} | {:.0f} | {} | {} | {} | {:.0f} | {:.0f} | {} | {} | {} |\n", p.op, p.name,
               p.part, p.launches, quotient(p.distinct, p.bytes), quotient(p.requested, p.bytes),
               quotient(p.requested, p.kind == Kind::pass ? 0 : p.flops, "{:.4f}"), p.waves, p.excess,
               quotient(p.waves, p.mma), quotient(p.useful, p.kind == Kind::pass ? 0 : p.flops),
               quotient(p.useful, p.mma_flops));
}

// Sums over parts, each as often as the network has it.
class Bars {
 public:
  using Figure = double Part::*;
  using Which = std::function<bool(const Part&)>;

  explicit Bars(const std::vector<Part>& parts) : parts_(parts) {}

  double sum(Figure figure, const Which& which) const {
    double sum = 0;
    for (const Part& part : parts_)
      if (which(part)) sum += part.count * (part.*figure);
    return sum;
  }
  void ratio(const char* what, Figure figure, Figure whole, const Which& which, double bar) {
    if (const double of = sum(whole, which); of > 0) at_most(what, sum(figure, which) / of, bar);
  }
  void most(const char* what, Figure figure, const Which& which, double bar) {
    double most = -1;
    for (const Part& part : parts_)
      if (which(part)) most = std::max(most, part.*figure);
    if (most >= 0) at_most(what, most, bar);
  }
  void at_most(const char* what, double figure, double bar) { row(what, figure, "<=", bar, figure <= bar); }
  void at_least(const char* what, double figure, double bar) { row(what, figure, ">=", bar, figure >= bar); }

  json rows() const { return rows_; }

 private:
  void row(const char* what, double figure, const char* relation, double bar, bool met) {
    fmt::print("| {} | {:.4g} | {} {:g} | {} |\n", what, figure, relation, bar, met ? "met" : "missed");
    rows_.push_back({{"figure", what}, {"value", figure}, {"bar", bar}, {"met", met}});
  }

  const std::vector<Part>& parts_;
  json rows_ = json::array();
};

json print_sums(const std::vector<Part>& parts, const json& fills) {
  const auto of = [](Kind kind, const char* part = nullptr) {
    return [=](const Part& p) { return p.kind == kind && (!part || p.part == part); };
  };
  const auto conv = [](const char* part) {
    return [=](const Part& p) { return p.op == "conv2d" && p.part == part; };
  };
  const auto any_conv = [=](const char* part) {
    return [=](const Part& p) { return p.op.starts_with("conv") && p.part == part; };
  };
  const auto passes = [](const Part& p) { return p.kind == Kind::pass || p.part == "dy"; };
  const auto products = [](const Part& p) { return p.kind == Kind::product && p.flops > 0; };
  const auto on_mma = [=](const Part& p) { return products(p) || p.kind == Kind::attention; };
  fmt::print("\n| sums | figure | bar | |\n|---|---|---|---|\n");
  Bars bars(parts);
  bars.ratio("DRAM, passes and optimisers", &Part::distinct, &Part::bytes, passes, 1.05);
  bars.ratio("DRAM, attention forward", &Part::distinct, &Part::bytes, of(Kind::attention, "forward"), 1.15);
  bars.ratio("DRAM, attention backward", &Part::distinct, &Part::bytes, of(Kind::attention, "backward"),
             1.15);
  bars.ratio("DRAM, products forward", &Part::distinct, &Part::bytes, of(Kind::product, "forward"), 1.3);
  bars.ratio("DRAM, convolutions dgrad", &Part::distinct, &Part::bytes, any_conv("dgrad"), 1.3);
  bars.ratio("DRAM, convolutions wgrad", &Part::distinct, &Part::bytes, any_conv("wgrad"), 1.6);
  bars.ratio("DRAM, linear backward", &Part::distinct, &Part::bytes, of(Kind::product, "backward"), 1.6);
  bars.ratio("L2, passes and optimisers", &Part::requested, &Part::bytes, passes, 1.05);
  bars.ratio("L2, attention, by tiles of 128 rows", &Part::requested, &Part::requested_least,
             of(Kind::attention), 1.05);
  bars.ratio("L2, products, bytes per flop", &Part::requested, &Part::flops, products, 0.010);
  bars.ratio(
      "L2, activations of conv2d", &Part::activations_requested, &Part::activations,
      [](const Part& p) { return p.activations > 0; }, 1.5);
  bars.most(
      "shared wavefronts in excess, most of a part", &Part::excess, [](const Part&) { return true; }, 0);
  bars.ratio(
      "shared wavefronts per mma, mean over the step", &Part::waves, &Part::mma,
      [](const Part& p) { return p.mma > 0; }, 1.75);
  for (const Part& p : parts)
    if (p.kind == Kind::attention && p.part == "backward" && p.name.ends_with("d 128"))
      bars.at_most("shared wavefronts per mma, attention backward, d = 128", p.waves / p.mma, 2.6);
  if (const double flops = bars.sum(&Part::flops, on_mma); flops > 0)
    bars.at_least("flops in mma, products and attention", bars.sum(&Part::useful, on_mma) / flops, 0.99);
  if (const double issued = bars.sum(&Part::mma_flops, on_mma); issued > 0)
    bars.at_least("useful of issued mma flops", bars.sum(&Part::useful, on_mma) / issued, 0.85);
  for (const json& fill : fills) {
    const std::string what =
        fmt::format("tiles / (rounds x places), {} multiprocessors", fill.at("multiprocessors").get<int>());
    bars.at_least(what.c_str(), fill.at("fill"), 0.85);
  }
  bars.most("launches, conv2d forward, bank included", &Part::launches, conv("forward"), 1);
  std::map<std::string, double> backward_launches;
  for (const Part& p : parts)
    if (p.op == "conv2d" && p.part != "forward") backward_launches[p.name] += p.launches;
  double most = 0;
  for (const auto& [unused, launches] : backward_launches) most = std::max(most, launches);
  if (most > 0) bars.at_most("launches, conv2d backward", most, 4);
  return bars.rows();
}

}  // namespace

json print_bars(const json& counted, const json& counters) {
  const std::vector<Part> parts = measured_parts(counted.at("calls"), counters);
  const int images = counted.at("images");
  fmt::print("Batch of {} images.{}\n\n", images,
             images == 64 ? "" : " The bars are for 64: ARGS=\"--images 64\", ten minutes for every op.");
  print_parts(parts);
  const json bars = print_sums(parts, counted.at("fills"));
  const auto met =
      std::count_if(bars.begin(), bars.end(), [](const json& bar) { return bar.at("met") == true; });
  fmt::print("\n{} of {} bars are met.\n", met, bars.size());
  json rows = json::array();
  for (const Part& p : parts)
    rows.push_back({{"op", p.op},
                    {"case", p.name},
                    {"part", p.part},
                    {"count", p.count},
                    {"flops", p.flops},
                    {"bytes", p.bytes},
                    {"launches", p.launches},
                    {"distinct_bytes", p.distinct},
                    {"requested_bytes", p.requested},
                    {"requested_activations", p.activations_requested},
                    {"shared_wavefronts", p.waves},
                    {"shared_wavefronts_excess", p.excess},
                    {"instructions_but_moves", p.instructions},
                    {"mma_instructions", p.mma},
                    {"mma_flops", p.mma_flops}});
  return {{"parts", rows}, {"bars", bars}};
}

}  // namespace fermion::benchmarks
