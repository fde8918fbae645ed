// Special registers (%tid, %ctaid, ...): which there are and what they hold.
#pragma once

#include <string>

#include "types.h"

namespace ptxi {

struct Block;

int special_register(const std::string& name);  // -1: there is none of this name
bool differs_by_block(int special);             // others hold the same in every block of a launch
u64 special_value(int special, const Block& block, int warp, int lane);

}  // namespace ptxi
