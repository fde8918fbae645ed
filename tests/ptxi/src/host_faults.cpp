// The handler of segmentation faults.

#include "host_faults.h"

#include <csignal>
#include <ucontext.h>
#include <unistd.h>

#include "arena.h"
#include "memory.h"

namespace ptxi {

bool (*on_host_fault)(u64 addr, bool write) = nullptr;

namespace {

struct sigaction g_before;  // the program's own handler

bool is_write(const void* context) {
#ifdef __x86_64__
  return ((const ucontext_t*)context)->uc_mcontext.gregs[REG_ERR] & 2;
#else
  (void)context;
  return true;
#endif
}

void on_segv(int sig, siginfo_t* si, void* context) {
  const u64 a = (u64)si->si_addr;
  if (on_host_fault && on_host_fault(a, is_write(context))) return;
  if (mem_is_device(a) || mem_find_freed(a)) {
    const std::string s = std::string("[ptxi] ERROR host code accessed ") +
                          (mem_is_device(a) ? "device" : "freed") + " memory at " + mem_describe(a) + "\n";
    if (write(2, s.data(), s.size()) < 0) _exit(139);
  }
  // The program's handler may raise the signal again, for the one before it, which may be this one.
  signal(SIGSEGV, SIG_DFL);
  if (g_before.sa_flags & SA_SIGINFO)
    g_before.sa_sigaction(sig, si, context);
  else if (g_before.sa_handler != SIG_DFL && g_before.sa_handler != SIG_IGN)
    g_before.sa_handler(sig);
}

}  // namespace

void host_faults_install() {
  struct sigaction action = {};
  action.sa_sigaction = on_segv;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  struct sigaction now;
  sigaction(SIGSEGV, nullptr, &now);
  if (now.sa_sigaction == on_segv) return;
  g_before = now;
  sigaction(SIGSEGV, &action, nullptr);
}

}  // namespace ptxi
