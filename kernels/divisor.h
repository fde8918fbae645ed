// Division by a number that is fixed when a kernel is launched, as one multiplication: a GPU has no
// instruction that divides. (Granlund and Montgomery, 1994, "Division by invariant integers using
// multiplication".)
#pragma once

#include <cstdint>

#include "kernels/host_device.h"

namespace fermion::kernels {

class Divisor {
 public:
  Divisor() = default;
  // From 1 to 2^30.
  explicit Divisor(int divisor) : divisor_(divisor) {
    while ((1 << shift_) < divisor) ++shift_;
    factor_ =
        static_cast<std::uint32_t>((((std::uint64_t{1} << shift_) - static_cast<unsigned>(divisor)) << 32) /
                                       static_cast<unsigned>(divisor) +
                                   1);
  }

  // Of n from 0 to 2^31 - 1.
  FERMION_HOST_DEVICE int quotient(int n) const {
    const auto all = static_cast<std::uint32_t>(n);
    return static_cast<int>((static_cast<std::uint32_t>((std::uint64_t{all} * factor_) >> 32) + all) >>
                            shift_);
  }
  FERMION_HOST_DEVICE int remainder(int n) const { return n - quotient(n) * divisor_; }

 private:
  int divisor_ = 1, shift_ = 0;
  std::uint32_t factor_ = 1;
};

}  // namespace fermion::kernels
