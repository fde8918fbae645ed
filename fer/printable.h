// Names and messages from outside, on their way to a terminal.
#pragma once

#include <string>
#include <string_view>

namespace fermion::fer {

// The text with its control characters as escapes: \n, \t, \r, \x1b and the like, and of UTF-8's C1 controls
// (U+0080 to U+009F), which some terminals obey, both bytes. All else stays as it is, bytes that are no UTF-8
// included.
std::string printable(std::string_view text);

}  // namespace fermion::fer
