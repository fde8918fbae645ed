// Timing on a machine that others use too: what is compared runs in turn, and medians are reported.
#pragma once

#include <functional>
#include <vector>

namespace fermion::benchmarks {

// Seconds. One thread is timed by its own CPU time, which other programs hardly disturb; several by the wall
// clock.
class Clock {
 public:
  explicit Clock(int threads) : cpu_time_(threads == 1) {}
  double now() const;

 private:
  bool cpu_time_;
};

double median(std::vector<double> values);

// seconds[i][r]: how long bodies[i] took in round r. One round to warm up, then rounds of all bodies in turn
// until `budget` seconds have passed, at least 5 and at most 101.
std::vector<std::vector<double>> in_turn(const Clock& clock, double budget,
                                         const std::vector<std::function<void()>>& bodies);

}  // namespace fermion::benchmarks
