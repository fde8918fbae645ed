// Progress of long work on stderr: a line that is drawn anew on a terminal, a line now and then elsewhere.
#pragma once

#include <chrono>
#include <string>

namespace fermion::fer {

std::string duration_text(double seconds);  // "4 min 05 s"
std::string bytes_text(double bytes);       // "612 MiB"

class Progress {
 public:
  Progress(std::string what, std::int64_t total);
  ~Progress();  // ends the line

  // done of total, with what else there is to say. Draws at most ten times a second.
  void show(std::int64_t done, const std::string& details);

 private:
  using Clock = std::chrono::steady_clock;
  std::string what_;
  std::int64_t total_;
  bool terminal_;
  bool drawn_ = false;
  Clock::time_point last_{};
};

}  // namespace fermion::fer
