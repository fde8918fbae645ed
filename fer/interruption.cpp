#include "fer/interruption.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

namespace fermion::fer {
namespace {

std::string last_words;  // changed only while signals are deferred
volatile std::sig_atomic_t deferred = 0, request = 0, on_terminal = 0;

// Whether stderr was a terminal that has been closed.
bool terminal_is_gone() {
  termios ignored;
  return on_terminal && ::tcgetattr(STDERR_FILENO, &ignored) != 0;
}

void handle(int signal) {
  if (signal == SIGHUP) {
    // What is printed from now on goes nowhere, rather than being an error before all is saved.
    const int nowhere = terminal_is_gone() ? ::open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;
    if (nowhere >= 0) ::dup2(nowhere, STDERR_FILENO);
    if (request) return;  // a terminal and its shell may both say so
  }
  if (!deferred && ::write(STDERR_FILENO, last_words.data(), last_words.size()) < 0) ::_exit(130);
  if (!deferred || request) ::_exit(130);
  request = 1;
  // On a terminal a bar may stand on the line.
  constexpr char text[] = "\nstopping after this step; Ctrl-C again stops at once\n";
  const int skip = on_terminal ? 0 : 1;
  if (::write(STDERR_FILENO, text + skip, sizeof text - 1 - skip) < 0) return;  // nobody listens
}

}  // namespace

Interruption::Interruption() {
  deferred = 0;
  request = 0;
  last_words.clear();
  on_terminal = ::isatty(STDERR_FILENO);
  struct sigaction action {};
  action.sa_handler = handle;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, &interrupt_);
  ::sigaction(SIGTERM, &action, &terminate_);
  ::sigaction(SIGHUP, &action, &hang_up_);
  if (hang_up_.sa_handler == SIG_IGN) ::sigaction(SIGHUP, &hang_up_, nullptr);
}

Interruption::~Interruption() {
  ::sigaction(SIGINT, &interrupt_, nullptr);
  ::sigaction(SIGTERM, &terminate_, nullptr);
  ::sigaction(SIGHUP, &hang_up_, nullptr);
}

void Interruption::defer() {
  deferred = 1;
}

void Interruption::no_longer_defer(const std::string& words) {
  last_words = words;
  deferred = 0;
}

bool Interruption::requested() const {
  return request != 0;
}

}  // namespace fermion::fer
