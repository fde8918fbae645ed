// Faults of host code.
#pragma once

#include "types.h"

namespace ptxi {

// From now on, until the program installs a handler of its own: says what device memory host code touched.
void host_faults_install();
// What to do about a fault; true: the access may be tried again.
extern bool (*on_host_fault)(u64 addr, bool write);

}  // namespace ptxi
