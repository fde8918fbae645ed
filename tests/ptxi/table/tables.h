// The tables of a file of counters.
#pragma once

#include <string>
#include <vector>

#include "counters.h"

namespace ptxi::table {

struct Limits {
  int kernels = 10, lines = 8;
};

// Kernels, those with the most instructions first; then the lines of each, those first that have the largest
// share of the kernel's instructions, global sectors or excess wavefronts. Text of lines is read from the
// working folder.
std::string tables(std::vector<Kernel> kernels, Limits limits);

}  // namespace ptxi::table
