// What a training step launches on CUDA, and the least time that each launch takes on a chip: by shapes
// alone, without a GPU.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "engine/launches.h"
#include "fer/config.h"

namespace fermion::fer {

struct StepLaunch {
  std::string call;      // "unet.enc.0.conv1/conv2d backward"
  engine::Shape output;  // of the op
  engine::Launch launch;
  bool first = false;  // of its call
};

// Rates that a chip's maker states, without sparsity.
struct Chip {
  const char* name;
  double bytes_per_second, tensor_flops, f32_flops;  // bf16 on tensor cores, f32 on CUDA cores
  int multiprocessors;
};
inline constexpr std::array chips{
    Chip{"A100", 2039e9, 312e12, 19.5e12, 108},  // "NVIDIA A100 Tensor Core GPU" data sheet, 2021: SXM, 80 GB
    Chip{"H100", 3350e9, 989e12, 67e12, 132},    // "NVIDIA H100 Tensor Core GPU" data sheet, 2024: SXM
    Chip{"H200", 4800e9, 989e12, 67e12, 132}};   // "NVIDIA H200 Tensor Core GPU" data sheet, 2024: SXM

// Forward, backward and update of a batch, in order. dtype: of activations. `config` has been checked.
std::vector<StepLaunch> step_launches(const TrainConfig& config, engine::DType dtype,
                                      int multiprocessors = chips[0].multiprocessors);

// The longer of what its bytes and what its flops take.
struct Floor {
  double seconds = 0;
  bool by_memory = true;
};
Floor floor_of(const engine::Launch& launch, engine::DType dtype, const Chip& chip);

// How full the rounds of the multiprocessors are, by the flops of launches on tensor cores.
double fill_of(const std::vector<StepLaunch>& launches);

}  // namespace fermion::fer
