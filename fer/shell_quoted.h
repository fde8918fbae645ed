// Commands that can be pasted into a shell.
#pragma once

#include <string>
#include <string_view>

namespace fermion::fer {

// The word as a POSIX shell reads it back: as it is where no character means anything to a shell, else
// between single quotes.
std::string shell_quoted(std::string_view word);

}  // namespace fermion::fer
