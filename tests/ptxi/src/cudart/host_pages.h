// Pages of pinned memory that host code must not touch.
#pragma once

#include "cudart/host_ranges.h"

namespace ptxi {

// From now on the host cannot write the range, nor read it if it will be written; who does so first in each
// page is reported. Only pages that hold nothing else of their allocation are closed, and only those of
// pinned memory: of memory that the host registered it may use the rest of a page.
bool pages_close(const HostRange& r);  // false: there are none
void pages_open(const HostRange& r);

}  // namespace ptxi
