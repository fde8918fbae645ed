// What is known about each byte of an allocation: pages that the switches ask for.
#pragma once

#include "memory.h"

namespace ptxi {

void make_shadows(Alloc& a);
void drop_shadows(Alloc& a);

}  // namespace ptxi
