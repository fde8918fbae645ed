#include "fer/step_info.h"

#include <algorithm>
#include <fmt/core.h>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "fer/device_choice.h"
#include "fer/step_launches.h"

namespace fermion::fer {
namespace {

using engine::DType;

// Of some launches: bytes, flops, and by chip seconds and those of launches that memory bounds.
struct Sum {
  std::int64_t launches = 0;
  double bytes = 0, scratch = 0, flops = 0;
  std::array<double, chips.size()> seconds{}, by_memory{};

  void add(const engine::Launch& launch, DType dtype) {
    ++launches;
    bytes += launch.work.bytes(engine::size_of(dtype));
    scratch += launch.scratch;
    flops += launch.work.flops;
    for (std::size_t i = 0; i < chips.size(); ++i) {
      const Floor floor = floor_of(launch, dtype, chips[i]);
      seconds[i] += floor.seconds;
      if (floor.by_memory) by_memory[i] += floor.seconds;
    }
  }
};

const char* part_of(const std::string& call) {
  if (call.starts_with("optimizer/")) return "optimizer";
  return call.ends_with(" backward") || call == "loss/fill" ? "backward" : "forward";
}

// A convolution's forward and its gradient by the input are one kernel.
std::string kernel_of(const StepLaunch& row) {
  const bool dgrad = row.launch.kernel == "conv_kernel" && row.call.ends_with(" backward");
  return row.launch.kernel + (dgrad ? " (dgrad)" : "");
}

void print_row(const std::string& call, const std::string& kernel, const std::string& output, double bytes,
               double scratch, double flops) {
  fmt::print("{:<44} {:<24} {:<22} {:>9.3f} {:>10} {:>9.3f}", call, kernel, output, bytes / 1e6,
             scratch > 0 ? fmt::format("{:.3f}", scratch / 1e6) : "", flops / 1e9);
}

// A letter says what bounds a launch. What the call is stands in its first launch's row.
void print_launch(const StepLaunch& row, DType dtype) {
  print_row(row.first ? row.call : "", kernel_of(row), row.first ? row.output.text() : "",
            row.launch.work.bytes(engine::size_of(dtype)), row.launch.scratch, row.launch.work.flops);
  for (const Chip& chip : chips) {
    const Floor floor = floor_of(row.launch, dtype, chip);
    const char* bound = floor.seconds == 0        ? " "
                        : floor.by_memory         ? "m"
                        : row.launch.tensor_cores ? "t"
                                                  : "f";
    fmt::print(" {:>8.2f} {}", 1e6 * floor.seconds, bound);
  }
  fmt::print("\n");
}

void print_sum(const std::string& what, const Sum& sum) {
  print_row(what, fmt::format("{} launch{}", sum.launches, sum.launches == 1 ? "" : "es"), "", sum.bytes,
            sum.scratch, sum.flops);
  for (const double seconds : sum.seconds) fmt::print(" {:>8.2f}  ", 1e6 * seconds);
  fmt::print("\n");
}

nlohmann::json floors_json(const engine::Launch& launch, DType dtype) {
  nlohmann::json json;
  for (const Chip& chip : chips) {
    const Floor floor = floor_of(launch, dtype, chip);
    json[chip.name] = {{"seconds", floor.seconds},
                       {"bound", floor.by_memory       ? "memory"
                                 : launch.tensor_cores ? "tensor cores"
                                                       : "CUDA cores"}};
  }
  return json;
}

nlohmann::json launch_json(const StepLaunch& row, DType dtype) {
  std::vector<std::int64_t> output;
  for (int i = 0; i < row.output.rank(); ++i) output.push_back(row.output[i]);
  nlohmann::json json{{"call", row.call},
                      {"part", part_of(row.call)},
                      {"kernel", row.launch.kernel},
                      {"output", output},
                      {"bytes", row.launch.work.bytes(engine::size_of(dtype))},
                      {"scratch_bytes", row.launch.scratch},
                      {"flops", row.launch.work.flops},
                      {"floors", floors_json(row.launch, dtype)}};
  if (row.launch.fill > 0) json["fill"] = row.launch.fill;
  return json;
}

void print_table(const std::vector<StepLaunch>& rows, DType dtype) {
  fmt::print("{:<44} {:<24} {:<22} {:>9} {:>10} {:>9}", "call", "kernel", "output", "MB", "scratch MB",
             "GFLOP");
  for (const Chip& chip : chips) fmt::print(" {:>5} us  ", chip.name);
  fmt::print("\n");
  for (const StepLaunch& row : rows) print_launch(row, dtype);
}

// Of each op and direction, the longest on an H100 first.
void print_ops(const std::vector<StepLaunch>& rows, DType dtype) {
  std::map<std::string, Sum> by_op;
  for (const StepLaunch& row : rows) by_op[row.call.substr(row.call.rfind('/') + 1)].add(row.launch, dtype);
  std::vector<std::pair<std::string, Sum>> ops(by_op.begin(), by_op.end());
  const auto seconds = [](const auto& op) { return op.second.seconds[1]; };
  static_assert(std::string_view(chips[1].name) == "H100");
  std::ranges::stable_sort(ops, std::greater(), seconds);
  fmt::print("\n");
  for (const auto& [op, sum] : ops) print_sum(op, sum);
  fmt::print("\n");
}

void print_sums(const std::vector<StepLaunch>& rows, const TrainConfig& config, DType dtype) {
  Sum all;
  for (const char* part : {"forward", "backward", "optimizer"}) {
    Sum sum;
    for (const StepLaunch& row : rows)
      if (part == std::string(part_of(row.call))) sum.add(row.launch, dtype);
    print_sum(part, sum);
  }
  for (const StepLaunch& row : rows) all.add(row.launch, dtype);
  print_sum("step", all);
  fmt::print(
      "\nm: bound by memory, t: by tensor cores, f: by f32 on the CUDA cores. Scratch: sums "
      "of parts, in the workspace, besides. The least that a step of {} faces can take, {}, launch after "
      "launch:\n",
      config.batch, dtype == DType::bf16 ? "bf16" : "fp32");
  for (std::size_t i = 0; i < chips.size(); ++i)
    fmt::print(
        "{}, {:.0f} GB/s, {:.0f} TFLOP/s bf16, {:.1f} f32: {:.2f} ms, {:.0f} images/s; memory bounds {:.0f} "
        "% "
        "of it\n",
        chips[i].name, chips[i].bytes_per_second / 1e9, chips[i].tensor_flops / 1e12,
        chips[i].f32_flops / 1e12, 1e3 * all.seconds[i], config.batch / all.seconds[i],
        100 * all.by_memory[i] / all.seconds[i]);
  if (dtype != DType::bf16) return;
  constexpr int more = chips.back().multiprocessors;
  fmt::print(
      "\nTiles of convolutions, but of images, and of attention fill {:.0f} % of an {}'s {} "
      "multiprocessors, {:.0f} % of {}, round after round.\n",
      100 * fill_of(rows), chips[0].name, chips[0].multiprocessors,
      100 * fill_of(step_launches(config, dtype, more)), more);
}

void print_json(const std::vector<StepLaunch>& rows, const TrainConfig& config, DType dtype) {
  Sum sum;
  nlohmann::json launches = nlohmann::json::array(), totals;
  for (const StepLaunch& row : rows) {
    sum.add(row.launch, dtype);
    launches.push_back(launch_json(row, dtype));
  }
  for (std::size_t i = 0; i < chips.size(); ++i)
    totals[chips[i].name] = {{"seconds", sum.seconds[i]}, {"by_memory", sum.by_memory[i]}};
  fmt::print("{}\n", nlohmann::json{{"batch", config.batch},
                                    {"precision", dtype == DType::bf16 ? "bf16" : "fp32"},
                                    {"launches", launches},
                                    {"bytes", sum.bytes},
                                    {"scratch_bytes", sum.scratch},
                                    {"flops", sum.flops},
                                    {"floors", totals}}
                         .dump());
}

}  // namespace

TrainConfig step_config() {
  TrainConfig config = drawn_faces_config();
  set_option(config, "preset=lnl-base");
  config.batch = 64;
  return config;
}

int step_info_command(const TrainConfig& config, bool json) {
  const DType dtype = activations_in(choose_precision(config.precision, true));
  const std::vector<StepLaunch> rows = step_launches(config, dtype);
  if (json) {
    print_json(rows, config, dtype);
    return 0;
  }
  print_table(rows, dtype);
  print_ops(rows, dtype);
  print_sums(rows, config, dtype);
  return 0;
}

int step_tiles_command(const TrainConfig& config) {
  const DType dtype = activations_in(choose_precision(config.precision, true));
  constexpr int few = chips.front().multiprocessors, many = chips.back().multiprocessors;
  const auto cut = [&](int multiprocessors) {
    std::vector<StepLaunch> list = step_launches(config, dtype, multiprocessors);
    std::erase_if(list, [](const StepLaunch& row) { return row.launch.tiles.empty(); });
    return list;
  };
  const std::vector<StepLaunch> on_few = cut(few), on_many = cut(many);
  if (on_few.empty()) throw UsageError("no launch of this step is on tensor cores; they take bf16");
  fmt::print(
      "| call | kernel | {0} multiprocessors | full | {1} multiprocessors | full "
      "|\n|---|---|---|---|---|---|\n",
      few, many);
  for (std::size_t i = 0; i < on_few.size(); ++i) {
    const engine::Launch &a = on_few[i].launch, &b = on_many.at(i).launch;
    fmt::print("| {} | {} | {} | {:.2f} | {} | {:.2f} |\n", on_few[i].call, kernel_of(on_few[i]), a.tiles,
               a.fill, b.tiles == a.tiles ? "the same" : b.tiles, b.fill);
  }
  fmt::print("\nFull, by flops: {:.2f} of {}, {:.2f} of {}.\n", fill_of(on_few), few, fill_of(on_many), many);
  return 0;
}

}  // namespace fermion::fer
