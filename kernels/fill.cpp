#include "kernels/fill.h"

#include <algorithm>

namespace fermion::kernels {

void fill(Cpu, std::int64_t count, float value, float* y) {
  std::fill_n(y, count, value);
}

}  // namespace fermion::kernels
