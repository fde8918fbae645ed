// The tensors of a model in a file: parameters by their name, running statistics by the name of their norm
// with ".running_mean" and ".running_var".
#pragma once

#include <string>

#include "engine/safetensors.h"
#include "layers/parameters.h"

namespace fermion::layers {

// `prefix` precedes every name.
void save(const Parameters& parameters, const std::string& prefix, engine::SafeTensors& file);

// Throws Error when a tensor is missing or of another dtype or shape.
void check(const Parameters& parameters, const std::string& prefix, const engine::SafeTensors& file);

// As check, before anything has changed.
void load(Parameters& parameters, const std::string& prefix, const engine::SafeTensors& file);

// Values and running statistics. Throws Error unless both have the same names and shapes in the same order.
void copy(const Parameters& from, Parameters& to);

}  // namespace fermion::layers
