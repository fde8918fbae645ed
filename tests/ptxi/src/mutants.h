// PTXI_MUTATE: running without one of a program's synchronisations.
#pragma once

#include "program.h"

namespace ptxi {

// Of an instruction of the kernel, written at `place`: if it synchronises, it is noted for the list, and
// taken away if it is the chosen one. `in` is as it will be executed.
void mutate(Instruction& in, const Kernel& k, const std::string& place);
// Where numbers count, and for the list: decodes all kernels of the module, in their order.
void find_mutants(Module& m);

}  // namespace ptxi
