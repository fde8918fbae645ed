#include "kernels/parallel_for.h"

#include <doctest/doctest.h>
#include <stdexcept>
#include <vector>

using namespace fermion;

TEST_CASE("parallel_for visits each iteration once, whatever the threads") {
  for (const int threads : {1, 2, 3, 8}) {
    CAPTURE(threads);
    std::vector<int> visits(7), thread_of(7, -1);
    kernels::parallel_for(threads, 7, [&](std::int64_t i, int thread) {
      ++visits[static_cast<std::size_t>(i)];
      thread_of[static_cast<std::size_t>(i)] = thread;
    });
    CHECK(visits == std::vector<int>(7, 1));
    for (const int thread : thread_of) CHECK((0 <= thread && thread < threads));
  }
  kernels::parallel_for(2, 0, [](std::int64_t, int) { FAIL("there is no iteration"); });
}

TEST_CASE("parallel_for with one thread, or one iteration, leaves all threads to the work") {
  const auto level = [](int threads, std::int64_t count) {
    int result = -1;
    kernels::parallel_for(threads, count, [&](std::int64_t, int) { result = omp_get_level(); });
    return result;
  };
  CHECK(level(1, 3) == 0);
  CHECK(level(2, 1) == 0);
  CHECK(level(2, 2) == 1);
}

TEST_CASE("parallel_for throws what an iteration threw") {
  for (const int threads : {1, 2})
    CHECK_THROWS_WITH(kernels::parallel_for(threads, 4,
                                            [](std::int64_t i, int) {
                                              if (i == 2) throw std::runtime_error("of the third");
                                            }),
                      "of the third");
}
