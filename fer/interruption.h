// Ctrl-C, at once or when it suits.
#pragma once

#include <csignal>
#include <string>

namespace fermion::fer {

// While an object lives, SIGINT, SIGTERM and SIGHUP (unless it is ignored, as nohup has it) end the program
// with exit status 130. One object at a time.
class Interruption {
 public:
  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;

  // From now on the first signal only says so on stderr and is remembered; the second ends the program, if it
  // is not SIGHUP. After the SIGHUP of a terminal that has been closed, stderr goes nowhere.
  void defer();
  // Signals end the program at once again, with these words on stderr.
  void no_longer_defer(const std::string& words);
  // Whether a deferred signal has come.
  bool requested() const;

 private:
  struct sigaction interrupt_, terminate_, hang_up_;  // what the signals did before
};

}  // namespace fermion::fer
