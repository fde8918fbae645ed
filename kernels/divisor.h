// Division by a number that is fixed when a kernel is launched, as one multiplication: a GPU has no
// instruction that divides. (Granlund and Montgomery, 1994, "Division by invariant integers using
// multiplication".)
#pragma once

#include <cstdint>
#include <stdexcept>

#include "kernels/host_device.h"

namespace fermion::kernels {

class Divisor {
 public:
  Divisor() = default;
  // From 1 to 2^30; throws otherwise.
  explicit Divisor(std::int64_t by) : divisor_(static_cast<int>(by)) {
    if (by < 1 || by > 1 << 30) throw std::invalid_argument("Divisor: from 1 to 2^30");
    while ((1 << shift_) < divisor_) ++shift_;
    factor_ =
        static_cast<std::uint32_t>((((std::uint64_t{1} << shift_) - static_cast<unsigned>(divisor_)) << 32) /
                                       static_cast<unsigned>(divisor_) +
                                   1);
  }

  // Of n from 0 on; one multiplication where it is below 2^31.
  FERMION_HOST_DEVICE int quotient(int n) const {
    const auto all = static_cast<std::uint32_t>(n);
    return static_cast<int>((static_cast<std::uint32_t>((std::uint64_t{all} * factor_) >> 32) + all) >>
                            shift_);
  }
  FERMION_HOST_DEVICE std::int64_t quotient(std::int64_t n) const {
    return n <= INT32_MAX ? quotient(static_cast<int>(n)) : n / divisor_;
  }
  template <class Int>
  FERMION_HOST_DEVICE Int remainder(Int n) const {
    return n - quotient(n) * divisor_;
  }

 private:
  int divisor_ = 1, shift_ = 0;
  std::uint32_t factor_ = 1;
};

}  // namespace fermion::kernels
