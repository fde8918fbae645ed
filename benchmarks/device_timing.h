// Timing of queued work by the events of a CUDA device.
#pragma once

#include <functional>
#include <vector>

#include "engine/device.h"

namespace fermion::benchmarks {

// Seconds of each body, which queues its work on the device's stream: medians of nine rounds in turn, in each
// of which a body runs so often that about two milliseconds pass, at most a hundred times.
std::vector<double> device_seconds(engine::Device& device, const std::vector<std::function<void()>>& bodies);

}  // namespace fermion::benchmarks
