#include "fer/devices_command.h"

#include <fstream>
#include <hwy/targets.h>
#include <nlohmann/json.hpp>
#include <omp.h>

#include "fer/device_choice.h"
#include "fer/progress.h"

namespace fermion::fer {
namespace {

using nlohmann::ordered_json;

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return line.substr(line.find(": ") + 2);
  return "unknown";
}

// The widest that this machine has and the program was compiled for; each is a bit, the better the lower.
std::string instruction_set() {
  const std::int64_t targets = hwy::SupportedTargets() & HWY_TARGETS;
  return hwy::TargetName(targets & -targets);
}

ordered_json version(int number) {
  if (number == 0) return nullptr;
  return fmt::format("{}.{}", number / 1000, number % 1000 / 10);
}

std::string text_or(const ordered_json& value, const char* otherwise) {
  return value.is_string() ? value.get<std::string>() : otherwise;
}

}  // namespace

ordered_json devices_json(const engine::CudaDevices& cuda) {
  ordered_json list = ordered_json::array();
  for (const engine::CudaDeviceInfo& device : cuda.devices)
    list.push_back({{"ordinal", device.ordinal},
                    {"name", device.name},
                    {"compute_capability", fmt::format("{}.{}", device.major, device.minor)},
                    {"multiprocessors", device.multiprocessors},
                    {"memory_bytes", device.bytes},
                    {"interpreted", device.interpreted},
                    {"supported", device.new_enough()}});
  return {{"default", choose_device("auto", cuda).is_cuda() ? "cuda" : "cpu"},
          {"cpu",
           {{"name", cpu_name()}, {"threads", omp_get_num_procs()}, {"instruction_set", instruction_set()}}},
          {"cuda",
           {{"built", cuda.built},
            {"driver", version(cuda.driver)},
            {"runtime", version(cuda.runtime)},
            {"why_none", cuda.why_none.empty() ? ordered_json() : ordered_json(cuda.why_none)},
            {"devices", list}}}};
}

std::string devices_table(const ordered_json& devices) {
  const ordered_json &cpu = devices.at("cpu"), &cuda = devices.at("cuda");
  std::string table = fmt::format("{:<8} {}, {} threads, {}\n", "cpu", cpu.at("name").get<std::string>(),
                                  cpu.at("threads").get<int>(), cpu.at("instruction_set").get<std::string>());
  for (const ordered_json& device : cuda.at("devices")) {
    table += fmt::format(
        "{:<8} {}, compute capability {}, {} multiprocessors, {}{}{}\n",
        fmt::format("cuda {}", device.at("ordinal").get<int>()), device.at("name").get<std::string>(),
        device.at("compute_capability").get<std::string>(), device.at("multiprocessors").get<int>(),
        bytes_text(device.at("memory_bytes").get<double>()),
        device.at("interpreted").get<bool>() ? ", interpreted" : "",
        device.at("supported").get<bool>() ? "" : "; too old, Fermion needs 8.0");
  }
  if (cuda.at("devices").empty())
    table += fmt::format("{:<8} none: {}\n", "cuda", cuda.at("why_none").get<std::string>());
  if (cuda.at("built").get<bool>())
    table += fmt::format("{:<8} driver for CUDA {}, runtime {}\n", "", text_or(cuda.at("driver"), "(none)"),
                         text_or(cuda.at("runtime"), "(none)"));
  return table + fmt::format("--device auto takes {}\n", devices.at("default").get<std::string>());
}

int devices_command(bool json) {
  const ordered_json devices = devices_json(engine::cuda_devices());
  fmt::print("{}", json ? devices.dump(2) + "\n" : devices_table(devices));
  return 0;
}

}  // namespace fermion::fer
