// One convolution as a case of conv2d (tests/cases/conv2d.cpp).
#pragma once

#include <string>

#include "tests/harness.h"

namespace fermion::test {

struct Conv2dCase {
  Shape x;  // [N, H, W, C] or [K, N, H, W, C]
  std::int64_t Co;
  int kernel = 3, stride = 1;
  bool norm_in = false, norm_out = false;
  std::int64_t second = 0;   // channels of a second input
  bool epilogue = false;     // bias and ReLU, as in evaluation
  bool first_layer = false;  // no gradient of x
  bool relu = true;          // in the input's norm
  bool relu_out = true;      // in the output's
  bool skip_gradient = true, weight_gradient = true;
  bool cpu_only = false;
  bool persistent = false;
};

// With its reference, tolerances, flops and bytes.
OpCase conv2d_case(const std::string& name, const Conv2dCase& test);

}  // namespace fermion::test
