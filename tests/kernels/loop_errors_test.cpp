// What is thrown inside a parallel loop reaches the caller.
#include <doctest/doctest.h>
#include <stdexcept>

#include "kernels/conv_plan.h"

using namespace fermion::kernels;

TEST_CASE("an exception of one slice of a convolution reaches the caller, and the other slices are done") {
  for (const int threads : {1, 4}) {
    CAPTURE(threads);
    const ConvPlan plan{.K = 3,
                        .N = 4,
                        .group = 1,
                        .slices = 4,
                        .outer = threads,
                        .inner = 1,
                        .src_block = 16,
                        .dst_block = 16};
    int done[12] = {};
    bool fails = true;
    const auto work = [&](std::int64_t k, std::int64_t begin, std::int64_t, std::int64_t, int) {
      if (fails && k == 1 && begin == 2) throw std::runtime_error("oneDNN could not do it");
      ++done[k * 4 + begin];
    };
    CHECK_THROWS_WITH_AS(for_each_slice(plan, work), "oneDNN could not do it", std::runtime_error);
    for (int i = 0; i < 12; ++i) CHECK(done[i] == (i != 6));
    fails = false;
    CHECK_NOTHROW(for_each_slice(plan, work));
  }
}
