// Vectorised arithmetic.
#pragma once

#include "program.h"

namespace ptxi {

Handler vector_handler(const Instruction& in);  // for the common cases; null for the others

}  // namespace ptxi
