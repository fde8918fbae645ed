// Constants of PTX, and expressions of them.
#pragma once

#include <string>

#include "types.h"

namespace ptxi {

bool is_constant(const std::string& s);  // or an expression: it begins like one

// The bits of a constant or constant expression where an operand of type `use` is wanted. Throws a Fault
// if it is none, or of a kind that such operands are not.
u64 constant(const std::string& s, Type use);

}  // namespace ptxi
