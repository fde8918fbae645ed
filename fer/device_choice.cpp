#include "fer/device_choice.h"

#include <algorithm>
#include <cstdio>

#include "fer/config.h"

namespace fermion::fer {
namespace {

using engine::CudaDeviceInfo;
using Kind = engine::DeviceOptions::Kind;

std::string why_none_fits(const engine::CudaDevices& there) {
  if (there.devices.empty()) return "there is no CUDA device: " + there.why_none;
  for (const CudaDeviceInfo& device : there.devices)
    if (!device.new_enough())
      return fmt::format("{} is sm_{}{}, and Fermion needs sm_80 or newer", device.name, device.major,
                         device.minor);
  return fmt::format("{} is interpreted; --device cuda takes it", there.devices.front().name);
}

}  // namespace

DeviceChoice choose_device(const std::string& wanted, const engine::CudaDevices& there) {
  check_word("device", wanted, {"auto", "cpu", "cuda"});
  if (wanted == "cpu") return {};
  const auto first = [&](bool interpreted) {
    return std::ranges::find_if(there.devices, [&](const CudaDeviceInfo& device) {
      return device.new_enough() && device.interpreted == interpreted;
    });
  };
  auto device = first(false);
  if (device == there.devices.end() && wanted == "cuda") device = first(true);
  if (device == there.devices.end()) return {Kind::cpu, 0, why_none_fits(there)};
  return {Kind::cuda, device->ordinal, ""};
}

engine::DeviceOptions device_options(const std::string& wanted, int threads) {
  const engine::CudaDevices there = engine::cuda_devices();
  const DeviceChoice choice = choose_device(wanted, there);
  if (!choice.is_cuda() && wanted == "cuda") throw engine::Error("{}; use --device cpu", choice.why_not);
  if (!choice.why_not.empty() && there.built)
    fmt::print(stderr, "computing on the CPU: {}\n", choice.why_not);
  return {.threads = threads, .kind = choice.kind, .ordinal = choice.ordinal};
}

std::string choose_precision(const std::string& wanted, bool cuda) {
  check_word("precision", wanted, {"auto", "fp32", "bf16"});
  if (wanted == "bf16" && !cuda)
    throw UsageError("--precision bf16 needs a CUDA device; the CPU computes in fp32");
  if (wanted == "auto") return cuda ? "bf16" : "fp32";
  return wanted;
}

engine::DType activations_in(const std::string& precision) {
  return precision == "bf16" ? engine::DType::bf16 : engine::DType::f32;
}

}  // namespace fermion::fer
