// How tests compare numbers.
#pragma once

#include <string>
#include <vector>

namespace fermion::test {

struct Comparison {
  double tolerance = 0;  // of the largest finite |expected|
  double scale = 0;      // at least this much counts as the largest |expected|
  bool sparse = false;   // more than nine tenths of what is expected may be zero
};

// |actual - expected| <= tolerance max(scale, max |expected|) for every element. Returns "" or what is wrong:
// a size, a difference with its index, an infinity, a NaN on one side only, an expectation of (nearly)
// nothing but zeros.
std::string compare(const std::vector<double>& actual, const std::vector<double>& expected,
                    const Comparison& how);

}  // namespace fermion::test
