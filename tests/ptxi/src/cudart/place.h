// Where in the program something happens.
#pragma once

#include <array>
#include <string>

namespace ptxi {

// A call of the runtime: the function, the address of the call and, since that may be in a wrapper, those of
// the calls that led there.
struct Place {
  const char* function = "";
  std::array<const void*, 3> callers{};  // the innermost first; null: no more
};
Place current_call();
// A kernel is launched by two calls, __cudaPushCallConfiguration where the program says so, and
// __cudaLaunchKernel in a function that nvcc makes. From now on the latter's place is that of the former.
void set_launch_place(const Place& pushed);
std::string text(const Place& place);  // "cudaFree called at program+0x1234 from program+0x567"
// Where the code outside the runtime and the C library is, for a thread that a signal has stopped in it:
// "program+0x1234"
std::string current_code();

}  // namespace ptxi
