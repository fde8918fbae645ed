#include "fer/interruption.h"

#include <unistd.h>

namespace fermion::fer {
namespace {

volatile std::sig_atomic_t request = 0, on_terminal = 0;

void remember(int) {
  request = 1;
  // On a terminal a bar may stand on the line.
  constexpr char text[] = "\nstopping after this step; Ctrl-C again stops at once\n";
  const int skip = on_terminal ? 0 : 1;
  if (::write(STDERR_FILENO, text + skip, sizeof text - 1 - skip) < 0) return;  // nobody listens
}

}  // namespace

Interruption::Interruption() {
  request = 0;
  on_terminal = ::isatty(STDERR_FILENO);
  struct sigaction action {};
  action.sa_handler = remember;
  // The second one finds what a program without a handler does.
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  ::sigaction(SIGINT, &action, &interrupt_);
  ::sigaction(SIGTERM, &action, &terminate_);
}

Interruption::~Interruption() {
  ::sigaction(SIGINT, &interrupt_, nullptr);
  ::sigaction(SIGTERM, &terminate_, nullptr);
}

bool Interruption::requested() const {
  return request != 0;
}

}  // namespace fermion::fer
