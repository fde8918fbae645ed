// Where in the program something happens.
#pragma once

#include <string>

namespace ptxi {

// A call of the runtime: the function, and the address that it returns to.
struct Place {
  std::string function;
  const void* caller = nullptr;
};
Place current_call();
std::string text(const Place& place);  // "cudaFree called at program+0x1234"
// Where the code outside the runtime and the C library is, for a thread that a signal has stopped in it:
// "program+0x1234"
std::string current_code();

}  // namespace ptxi
