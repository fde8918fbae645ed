// Of engine/launches.h: ops that are matrix products, and the backward of every reader of a feature.
#pragma once

#include "engine/launches.h"

namespace fermion::engine {

// Whose gradient is wanted; `dy`: numbers of the output's gradient.
std::vector<Launch> feature_backward(const OperandInfo& x, double dy);

std::vector<Launch> conv2d_launches(const OpCall& call);
std::vector<Launch> conv_transpose2d_launches(const OpCall& call);
std::vector<Launch> linear_launches(const OpCall& call);
std::vector<Launch> attention_launches(const OpCall& call);

}  // namespace fermion::engine
