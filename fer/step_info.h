// fer info --step: every launch of a training step.
#pragma once

#include "fer/config.h"

namespace fermion::fer {

// Where the options of --step begin: lnl-base, 64 faces a step.
TrainConfig step_config();

// Prints the table, or one JSON object, to stdout and returns 0.
int step_info_command(const TrainConfig& config, bool json);

// The same for how convolutions and attention are cut into tiles and blocks, on 108 and on 132
// multiprocessors, and how full these are.
int step_tiles_command(const TrainConfig& config);

}  // namespace fermion::fer
