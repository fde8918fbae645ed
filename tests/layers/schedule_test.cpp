#include "layers/schedule.h"

#include <doctest/doctest.h>

using namespace fermion::layers;

TEST_CASE("warm-up lasts a tenth of the run, at most 300 steps") {
  CHECK(default_warmup(0) == 0);
  CHECK(default_warmup(9) == 0);
  CHECK(default_warmup(375) == 37);
  CHECK(default_warmup(3009) == 300);
  CHECK(default_warmup(100000) == 300);
}

TEST_CASE("the rate rises to its peak and falls to zero") {
  const Schedule schedule{.peak = 2, .steps = 104, .warmup = 4};
  const auto rate = [&](std::int64_t step) { return learning_rate(schedule, step); };
  CHECK(rate(0) == doctest::Approx(0.4));
  CHECK(rate(3) == doctest::Approx(1.6));
  CHECK(rate(4) == 2);
  CHECK(rate(29) == doctest::Approx(1 + 0.70710678118654752));
  CHECK(rate(54) == doctest::Approx(1));
  CHECK(rate(103) == doctest::Approx(4.934396e-4));
  CHECK(rate(104) == 0);
  CHECK(rate(1000) == 0);
  for (std::int64_t step = 1; step < 110; ++step)
    CHECK((step <= 4 ? rate(step) > rate(step - 1) : step <= 104 ? rate(step) < rate(step - 1) : true));
}

TEST_CASE("a run without warm-up starts at the peak") {
  CHECK(learning_rate({.peak = 0.5, .steps = 1, .warmup = 0}, 0) == 0.5);
  CHECK(learning_rate({.peak = 0.5, .steps = 0, .warmup = 0}, 0) == 0);
}
