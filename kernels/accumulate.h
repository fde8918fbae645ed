// Writing one number of a gradient.
#pragma once

#include "kernels/context.h"

namespace fermion::kernels {

inline void put(float value, Write write, float& to) {
  to = write == Write::accumulate ? to + value : value;
}

}  // namespace fermion::kernels
