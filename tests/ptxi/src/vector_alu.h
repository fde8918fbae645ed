// Vectorised handlers of the common cases. Each of these returns null for the others, which the reference
// (alu.cpp) executes.
#pragma once

#include "program.h"

namespace ptxi {

Handler vector_handler(const Instruction& in);
Handler vector_float(const Instruction& in);       // arithmetic of f32 and f64
Handler vector_comparison(const Instruction& in);  // setp
Handler vector_predicate(const Instruction& in);   // and, or, xor, not, mov of predicates
Handler vector_conversion(const Instruction& in);  // cvt

}  // namespace ptxi
