// Arithmetic of one lane.
#pragma once

#include "alu_float.h"
#include "handlers.h"

namespace ptxi {

// Value `v` of type in.t2 as one of type in.t.
u64 convert(Warp& w, const Instruction& in, u64 v);

}  // namespace ptxi
