// The lock of the runtime, and who may look at what it guards while another thread holds it.

#include <chrono>
#include <mutex>
#include <thread>

#include "cudart/runtime.h"

namespace ptxi {

std::recursive_mutex g_api;

namespace {

std::mutex g_looking;  // held by who looks, and to change:
bool g_lent = false;

void set_lent(bool lent) {
  const std::lock_guard<std::mutex> lock(g_looking);
  g_lent = lent;
}

}  // namespace

Lent::Lent() {
  set_lent(true);
}

Lent::~Lent() {
  set_lent(false);
}

// Who lends the lock looks like all others: one at a time.
void with_lock_or_lent(const std::function<void()>& look) {
  for (;; std::this_thread::sleep_for(std::chrono::microseconds(100))) {
    const std::unique_lock<std::recursive_mutex> api_lock(g_api, std::try_to_lock);
    const std::lock_guard<std::mutex> looking(g_looking);
    if (api_lock || g_lent) return look();
  }
}

}  // namespace ptxi
