// Progress of long work on stderr: a line that is drawn anew on a terminal, a line now and then elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace fermion::fer {

std::string duration_text(double seconds);  // "4 min 05 s"
std::string bytes_text(double bytes);       // "612 MiB"

class Progress {
 public:
  Progress(std::string what, std::int64_t total);
  ~Progress();  // leaves no bar behind

  // done of total, with what else there is to say. Draws at most ten times a second on a terminal, four times
  // a minute elsewhere.
  void show(std::int64_t done, const std::string& details);
  // A line of its own, which stays.
  void say(const std::string& line);

 private:
  void clear();
  std::chrono::milliseconds pause() const;

  using Clock = std::chrono::steady_clock;
  std::string what_;
  std::int64_t total_;
  bool terminal_;
  bool bar_ = false;       // stands on the terminal's last line
  Clock::time_point due_;  // when to draw again
};

}  // namespace fermion::fer
