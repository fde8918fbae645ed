// Warnings and errors, on stderr.
#pragma once

#include "types.h"

namespace ptxi {

void report_warning(const std::string& key, const std::string& text);  // once per key
void report_error(const std::string& text);
u64 warnings_reported();
extern void (*at_end)();  // called at the end of the process, when the program can do nothing any more

}  // namespace ptxi
