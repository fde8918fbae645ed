// What ends a launch or the loading of a module.
#pragma once

#include <stdexcept>
#include <string>

namespace ptxi {

// Thrown for anything that ends a launch (or a load). `code` is a cudaError_t value.
struct Fault : std::runtime_error {
  int code;
  Fault(int c, const std::string& s) : std::runtime_error(s), code(c) {}
};
// cudaError_t values used by the interpreter (so that it needs no CUDA header).
enum {
  E_INVALID_DEVICE_FUNCTION = 98,
  E_LAUNCH_OUT_OF_RESOURCES = 701,
  E_LAUNCH_TIMEOUT = 702,
  E_ILLEGAL_ADDRESS = 700,
  E_ASSERT = 710,
  E_ILLEGAL_INSTRUCTION = 715,
  E_MISALIGNED = 716,
  E_LAUNCH_FAILURE = 719,
  E_INVALID_PTX = 218
};
[[noreturn]] void fail(const std::string& s);  // throws Fault(E_INVALID_PTX, s)

}  // namespace ptxi
