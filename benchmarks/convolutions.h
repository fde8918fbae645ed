// conv2d beside oneDNN's direct convolution at the presets' layers.
#pragma once

#include <string>

#include "benchmarks/machine.h"
#include "engine/device.h"

namespace fermion::benchmarks {

// Prints, for every layer whose name contains `text`, both rows: the convolution alone, our reorders counted,
// and with norm in and statistics out beside oneDNN plus separate passes. Returns the rows.
nlohmann::json bench_convolutions(engine::Device& device, const std::string& text);

}  // namespace fermion::benchmarks
