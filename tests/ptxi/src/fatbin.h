// The PTX inside a program.
#pragma once

#include "types.h"

namespace ptxi {

// PTX images in a fat binary: the text with the highest architecture not above `cc`.
std::string fatbin_ptx(const void* data, int cc);

}  // namespace ptxi
