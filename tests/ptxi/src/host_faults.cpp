// The handler of segmentation faults.

#include "host_faults.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <ucontext.h>
#include <unistd.h>
#include <utility>

#include "arena.h"
#include "memory.h"

namespace ptxi {

bool (*on_host_fault)(u64 addr, bool write) = nullptr;

namespace {

// A program's handler may ask the one before it, which may be one of these, which asks the one before it: so
// each is a function of its own. More handlers of programs than these are not preceded.
constexpr int kMost = 16;
using Handler = void (*)(int, siginfo_t*, void*);
struct sigaction g_before[kMost];  // what each was installed over
int g_installed = 0;
int g_newest = -1;  // that which a fault calls first

bool is_write(const void* context) {
#ifdef __x86_64__
  return ((const ucontext_t*)context)->uc_mcontext.gregs[REG_ERR] & 2;
#else
  (void)context;
  return true;
#endif
}

void say_what_was_accessed(u64 a) {
  if (!mem_is_device(a) && !mem_find_freed(a)) return;
  const std::string s = std::string("[ptxi] ERROR host code accessed ") +
                        (mem_is_device(a) ? "device" : "freed") + " memory at " + mem_describe(a) + "\n";
  if (write(2, s.data(), s.size()) < 0) _exit(139);
}

template <int kNumber>
void on_segv(int sig, siginfo_t* si, void* context) {
  const u64 a = (u64)si->si_addr;
  if (on_host_fault && on_host_fault(a, is_write(context))) return;
  if (kNumber == g_newest) say_what_was_accessed(a);
  const struct sigaction& before = g_before[kNumber];
  if (before.sa_flags & (int)SA_RESETHAND) signal(SIGSEGV, SIG_DFL);
  if (before.sa_flags & SA_SIGINFO)
    before.sa_sigaction(sig, si, context);
  else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
    before.sa_handler(sig);
  else
    signal(SIGSEGV, SIG_DFL);
}

template <int... kNumber>
constexpr std::array<Handler, kMost> all_of(std::integer_sequence<int, kNumber...>) {
  return {on_segv<kNumber>...};
}
constexpr std::array<Handler, kMost> kHandlers = all_of(std::make_integer_sequence<int, kMost>());

// That which was installed over the same handler, or a new one; kMost: there is none.
int handler_over(const struct sigaction& before) {
  for (int i = 0; i < g_installed; i++)
    if (g_before[i].sa_sigaction == before.sa_sigaction) return i;
  return g_installed;
}

}  // namespace

void host_faults_install() {
  struct sigaction now;
  sigaction(SIGSEGV, nullptr, &now);
  const auto own = std::find(kHandlers.begin(), kHandlers.end(), now.sa_sigaction);
  if (own != kHandlers.end()) {  // the program may have put back an older one
    g_newest = (int)(own - kHandlers.begin());
    return;
  }
  const int number = handler_over(now);
  if (number == kMost) return;
  g_before[number] = now;
  g_installed = std::max(g_installed, number + 1);
  g_newest = number;
  struct sigaction action = {};
  action.sa_sigaction = kHandlers[(size_t)number];
  // A handler for an overflow of the stack needs another one, and so does who asks it.
  action.sa_flags = SA_SIGINFO | SA_NODEFER | (now.sa_flags & SA_ONSTACK);
  sigaction(SIGSEGV, &action, nullptr);
}

}  // namespace ptxi
