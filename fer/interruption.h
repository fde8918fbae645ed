// Ctrl-C as a request instead of an end.
#pragma once

#include <csignal>

namespace fermion::fer {

// While an object lives, the first SIGINT or SIGTERM only says so on stderr and is remembered; the second
// ends the program as always. One object at a time.
class Interruption {
 public:
  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;

  bool requested() const;

 private:
  struct sigaction interrupt_, terminate_;  // what they did before
};

}  // namespace fermion::fer
