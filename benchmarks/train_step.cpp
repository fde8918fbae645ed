#include "benchmarks/train_step.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fmt/core.h>
#include <fstream>
#include <map>

#include "benchmarks/timing.h"
#include "fer/info.h"
#include "fer/shell_quoted.h"
#include "fer/training_step.h"

namespace fermion::benchmarks {
namespace {

constexpr int rounds = 3, steps_per_round = 5;

struct Setting {
  const char* preset;
  int batch;
};
constexpr Setting settings[] = {{"lnl-tiny", 64}, {"lnl-base", 16}};
constexpr Setting device_settings[] = {{"lnl-tiny", 64}, {"lnl-base", 16}, {"lnl-base", 64}};

fer::TrainConfig config_of(const Setting& setting, int threads) {
  fer::TrainConfig config;
  config.model = fer::preset(setting.preset);
  config.batch = setting.batch;
  config.threads = threads;
  return config;
}

// Noise for faces: the time of a step depends on shapes alone.
fer::Batch noise(const fer::TrainConfig& config) {
  const auto batch = static_cast<std::size_t>(config.batch),
             classes = static_cast<std::size_t>(config.model.classes);
  const auto pixels =
      static_cast<std::size_t>(config.model.size) * static_cast<std::size_t>(config.model.size);
  fer::Batch result;
  const kernels::Random random{1, 1, 0};
  for (std::size_t i = 0; i < batch * pixels * 3; ++i)
    result.faces.push_back(static_cast<std::uint8_t>(random.bits(i)));
  result.targets.assign(batch * classes, 0.0f);
  for (std::size_t i = 0; i < batch; ++i) {
    result.labels.push_back(static_cast<int>(i % classes));
    result.targets[i * classes + i % classes] = 1;
    result.augmentation.push_back(fer::draw_augmentation({}, 1, 0, i, config.model.size, config.model.size));
  }
  return result;
}

// Most memory that the process has held since reset_resident(), as the kernel counts it.
double resident_peak() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("VmHWM:", 0) == 0) return 1024 * std::stod(line.substr(6));
  return 0;
}
void reset_resident() {
  std::ofstream("/proc/self/clear_refs") << 5;
}

// Seconds of each of PyTorch's steps.
std::vector<double> torch_steps(const std::string& python, const Setting& setting, int threads) {
  const std::string command =
      fmt::format("{} scripts/time_torch_step.py {} {} {} {}", fer::shell_quoted(python), setting.preset,
                  setting.batch, threads, steps_per_round);
  std::vector<double> seconds;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe)
    for (double value = 0; std::fscanf(pipe, "%lf", &value) == 1;) seconds.push_back(value);
  if (!pipe || pclose(pipe) != 0) throw engine::Error("PyTorch's step failed: {}", command);
  return seconds;
}

// Our steps, timed and traced.
class Ours {
 public:
  Ours(const Setting& setting, int threads)
      : config_(config_of(setting, threads)),
        batch_(noise(config_)),
        device_({.threads = threads}),
        training_(device_, config_, {.size = config_.model.size}, {}) {
    training_.run(batch_, 1e-3);
    allocations_ = device_.pool().statistics().system_allocations;
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      const double begin = clock_.now();
      training_.run(batch_, 1e-3);
      seconds_.push_back(clock_.now() - begin);
    }
  }

  // Steps for the times of the ops; the trace takes some itself.
  void trace(int steps) {
    device_.trace().enable();
    for (int i = 0; i < steps; ++i) {
      device_.trace().clear();
      training_.run(batch_, 1e-3);
      std::map<std::string, Op> step;
      for (const engine::Trace::Event& event : device_.trace().events()) {
        Op& op = step[event.label.substr(event.label.rfind('/') + 1)];
        op.seconds += event.seconds;
        ++op.calls;
      }
      for (const auto& [name, op] : step) {
        ops_[name].push_back(op.seconds);
        calls_[name] = op.calls;
      }
    }
  }

  double seconds() const { return median(seconds_); }

  nlohmann::json json(const Setting& setting, const Machine& machine) {
    double flops = 0;
    for (const fer::LayerRow& row : fer::network_table(config_.model))
      flops += 3 * 2 * row.macs * setting.batch;
    const engine::MemoryStatistics& memory = device_.pool().statistics();
    nlohmann::json ops = nlohmann::json::array();
    for (const auto& [name, seconds] : ops_)
      ops.push_back({{"op", name}, {"calls", calls_.at(name)}, {"seconds", median(seconds)}});
    std::sort(ops.begin(), ops.end(),
              [](const auto& a, const auto& b) { return a["seconds"] > b["seconds"]; });
    return {{"preset", setting.preset},
            {"batch", setting.batch},
            {"seconds", seconds()},
            {"images_per_second", setting.batch / seconds()},
            {"flops", flops},
            {"of_peak", flops / seconds() / machine.flops.at(device_.threads())},
            {"peak_bytes", memory.peak},
            {"reserved_bytes", memory.reserved},
            {"resident_bytes", resident_peak()},
            {"allocations_after_first_step", memory.system_allocations - allocations_},
            {"ops", ops}};
  }

 private:
  struct Op {
    double seconds = 0;
    int calls = 0;
  };

  Clock clock_{0};
  fer::TrainConfig config_;
  fer::Batch batch_;
  engine::Device device_;
  fer::TrainingStep training_;
  std::int64_t allocations_ = 0;
  std::vector<double> seconds_;
  std::map<std::string, std::vector<double>> ops_;
  std::map<std::string, int> calls_;
};

void print(const nlohmann::json& row) {
  const double seconds = row["seconds"];
  const auto mib = [&](const char* key) { return row[key].get<double>() / (1 << 20); };
  fmt::print("## Training step, {}, batch {}\n\n", row["preset"].get<std::string>(), row["batch"].get<int>());
  fmt::print(
      "{:.1f} ms, {:.1f} images/s, {:.1f} GFLOP/s ({:.0f} % of the multiply-add peak); tensors and scratch "
      "{:.0f} MiB at most, "
      "{:.0f} MiB reserved, {:.0f} MiB resident; {} allocations after the first step\n",
      1e3 * seconds, row["images_per_second"].get<double>(), row["flops"].get<double>() / seconds / 1e9,
      100 * row["of_peak"].get<double>(), mib("peak_bytes"), mib("reserved_bytes"), mib("resident_bytes"),
      row["allocations_after_first_step"].get<int>());
  if (row.contains("torch"))
    fmt::print("\nPyTorch's step in the same minutes: {:.1f} ms; its time as a share of ours: {:.0f} %\n",
               1e3 * row["torch"]["seconds"].get<double>(), 100 * row["torch"]["ratio"].get<double>());
  fmt::print("\n| op | calls | ms | share |\n|---|---|---|---|\n");
  double all = 0;
  for (const auto& op : row["ops"]) all += op["seconds"].get<double>();
  for (const auto& op : row["ops"])
    fmt::print("| {} | {} | {:.2f} | {:.1f} % |\n", op["op"].get<std::string>(), op["calls"].get<int>(),
               1e3 * op["seconds"].get<double>(), 100 * op["seconds"].get<double>() / all);
  fmt::print("| all ops, in steps that are traced | | {:.2f} | 100 % |\n\n", 1e3 * all);
  std::fflush(stdout);
}

// Median of 30 steps that are replayed, after five.
double replayed_step(const Setting& setting, const engine::DeviceOptions& options, engine::DType dtype) {
  const fer::TrainConfig config = config_of(setting, 1);
  const fer::Batch batch = noise(config);
  engine::Device device(options);
  fer::TrainingStep training(device, config, {.size = config.model.size, .dtype = dtype}, {});
  for (int i = 0; i < 5; ++i) training.run(batch, 1e-3);
  if (!training.replayed()) throw engine::Error("the step of {} was not replayed", setting.preset);
  const Clock clock(0);
  std::vector<double> seconds;
  for (int i = 0; i < 30; ++i) {
    const double begin = clock.now();
    training.run(batch, 1e-3);
    seconds.push_back(clock.now() - begin);
  }
  return median(seconds);
}

}  // namespace

nlohmann::json bench_device_steps(const engine::DeviceOptions& options, engine::DType dtype) {
  const char* precision = dtype == engine::DType::f32 ? "fp32" : "bf16";
  nlohmann::json rows = nlohmann::json::array();
  fmt::print("## Training step, replayed, {}\n\n| preset | batch | ms | images/s |\n|---|---|---|---|\n",
             precision);
  for (const Setting& setting : device_settings) {
    const double seconds = replayed_step(setting, options, dtype);
    fmt::print("| {} | {} | {:.3f} | {:.0f} |\n", setting.preset, setting.batch, 1e3 * seconds,
               setting.batch / seconds);
    std::fflush(stdout);
    rows.push_back({{"op", "step"},
                    {"case", fmt::format("{}, batch {}", setting.preset, setting.batch)},
                    {"precision", precision},
                    {"forward_backward", {{"seconds", seconds}}}});
  }
  fmt::print("\n");
  return rows;
}

void check_torch(const std::string& python) {
  const std::string command = fer::shell_quoted(python) + " -c 'import torch' >/dev/null 2>&1";
  if (std::system(command.c_str()) != 0)
    throw fer::UsageError("--torch needs a Python with torch, which '{}' is not", python);
}

nlohmann::json bench_train_steps(const Machine& machine, int threads, const std::string& python) {
  nlohmann::json rows = nlohmann::json::array();
  for (const Setting& setting : settings) {
    reset_resident();
    Ours ours(setting, threads);
    std::vector<double> torch;
    for (int round = 0; round < rounds; ++round) {
      ours.run(steps_per_round);
      if (python.empty()) continue;
      for (const double seconds : torch_steps(python, setting, threads)) torch.push_back(seconds);
    }
    ours.trace(steps_per_round);
    nlohmann::json row = ours.json(setting, machine);
    if (!torch.empty())
      row["torch"] = {{"seconds", median(torch)}, {"ratio", median(torch) / ours.seconds()}};
    print(row);
    rows.push_back(row);
  }
  return rows;
}

}  // namespace fermion::benchmarks
