// Whether accesses of 16 bytes meet the banks of shared memory evenly: a quarter of a warp is served at once.
#pragma once

#include <doctest/doctest.h>
#include <set>

namespace fermion::test {

// `address(i)`, in bytes, of `count` neighbouring threads.
template <class Address>
void check_quarters(int count, const Address& address) {
  for (int first = 0; first < count; first += 8) {
    std::set<unsigned> banks;
    for (int i = first; i < first + 8; ++i) banks.insert(static_cast<unsigned>(address(i)) / 16 % 8);
    INFO("threads from ", first);
    CHECK(banks.size() == 8);
  }
}

}  // namespace fermion::test
