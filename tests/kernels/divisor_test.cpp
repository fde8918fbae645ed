#include "kernels/divisor.h"

#include <climits>
#include <doctest/doctest.h>

using fermion::kernels::Divisor;

TEST_CASE("quotients and remainders are those of the language") {
  for (int divisor = 1; divisor < 1 << 30; divisor += divisor < 300 ? 1 : divisor / 7) {
    CAPTURE(divisor);
    const Divisor by(divisor);
    const int last = INT_MAX / divisor * divisor;
    for (const int n : {0, 1, divisor - 1, divisor, divisor + 1, 2 * divisor - 1, 12345678, last - 1, last,
                        INT_MAX - 1, INT_MAX}) {
      CHECK(by.quotient(n) == n / divisor);
      CHECK(by.remainder(n) == n % divisor);
      const std::int64_t large = std::int64_t{n} * 3;
      CHECK(by.quotient(large) == large / divisor);
      CHECK(by.remainder(large) == large % divisor);
    }
  }
}

TEST_CASE("a divisor is from 1 to 2^30") {
  CHECK_THROWS(Divisor(0));
  CHECK_THROWS(Divisor((1 << 30) + 1));
  CHECK(Divisor(1 << 30).quotient(INT_MAX) == 1);
}
