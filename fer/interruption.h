// Ctrl-C, at once or when it suits.
#pragma once

#include <csignal>

namespace fermion::fer {

// While an object lives, SIGINT and SIGTERM end the program with exit status 130. One object at a time.
class Interruption {
 public:
  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;

  // From now on the first signal only says so on stderr and is remembered; the second ends the program.
  void defer();
  // Signals end the program at once again.
  void no_longer_defer();
  // Whether a deferred signal has come.
  bool requested() const;

 private:
  struct sigaction interrupt_, terminate_;  // what the signals did before
};

}  // namespace fermion::fer
