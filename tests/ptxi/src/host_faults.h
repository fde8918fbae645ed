// Faults of host code.
#pragma once

#include "types.h"

namespace ptxi {

void host_faults_install();  // says what device memory host code touched
// What to do about a fault; true: the access may be tried again.
extern bool (*on_host_fault)(u64 addr, bool write);

}  // namespace ptxi
