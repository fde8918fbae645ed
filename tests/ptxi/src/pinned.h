// Pinned memory under late streams: the program sees it in one place, the device in another, so that what the
// host must not touch yet can be made inaccessible to it alone.
#pragma once

#include "memory.h"

namespace ptxi {

bool pinned_map(Alloc& a);  // sets base and store; false: out of memory
void pinned_unmap(const Alloc& a);

}  // namespace ptxi
