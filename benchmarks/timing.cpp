#include "benchmarks/timing.h"

#include <algorithm>
#include <ctime>

namespace fermion::benchmarks {

double Clock::now() const {
  timespec t;
  clock_gettime(cpu_time_ ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

std::vector<std::vector<double>> in_turn(const Clock& clock, double budget,
                                         const std::vector<std::function<void()>>& bodies) {
  std::vector<std::vector<double>> seconds(bodies.size());
  for (const auto& body : bodies) body();
  const Clock wall(0);
  const double begin = wall.now();
  for (int round = 0; round < 5 || (round < 101 && wall.now() - begin < budget); ++round)
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      const double start = clock.now();
      bodies[i]();
      seconds[i].push_back(clock.now() - start);
    }
  return seconds;
}

}  // namespace fermion::benchmarks
