// fer info: the network as a table.
#pragma once

#include <string>
#include <vector>

#include "fer/model.h"

namespace fermion::fer {

struct LayerRow {
  std::string name;      // "unet.enc.0.conv1/conv2d"
  engine::Shape output;  // for one image
  std::int64_t parameters = 0;
  std::int64_t macs = 0;   // multiply-adds of the forward pass, one image
  std::int64_t bytes = 0;  // of the output, f32
};

// One row per op of a training forward, in the order of execution.
std::vector<LayerRow> network_table(const ModelConfig& config);

// Prints the table, or one JSON object {layers, parameters, flops}, to stdout and returns 0.
int info_command(const ModelConfig& config, bool json);

}  // namespace fermion::fer
