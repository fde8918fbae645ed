// The lock; errors: the last one of each thread, a fault that stays, names and texts.

#include <chrono>
#include <thread>

#include "cudart/runtime.h"

namespace ptxi {

std::recursive_mutex g_api;
cudaError_t g_sticky = cudaSuccess;
static thread_local cudaError_t t_last = cudaSuccess;
static std::mutex g_looking;  // held by who looks, and to change:
static bool g_lent = false;

Lent::Lent() {
  const std::lock_guard<std::mutex> lock(g_looking);
  g_lent = true;
}

Lent::~Lent() {
  const std::lock_guard<std::mutex> lock(g_looking);
  g_lent = false;
}

void with_lock_or_lent(const std::function<void()>& look) {
  for (;; std::this_thread::sleep_for(std::chrono::microseconds(100))) {
    const std::unique_lock<std::recursive_mutex> api_lock(g_api, std::try_to_lock);
    if (api_lock) return look();
    const std::lock_guard<std::mutex> lock(g_looking);
    if (g_lent) return look();
  }
}

cudaError_t set_error(cudaError_t e) {
  if (e) t_last = e;
  return e;
}

}  // namespace ptxi

using namespace ptxi;

extern "C" {

cudaError_t cudaGetLastError() {
  LOCK();
  if (g_sticky) return g_sticky;  // a fault is not cleared
  cudaError_t e = t_last;
  t_last = cudaSuccess;
  return e;
}
cudaError_t cudaPeekAtLastError() {
  LOCK();
  return g_sticky ? g_sticky : t_last;
}

static const struct {
  cudaError_t e;
  const char *name, *text;
} kErrors[] = {
#define X(n, t) {n, #n, t},
#include "cudart/errors.inc"
#undef X
};
const char* cudaGetErrorName(cudaError_t e) {
  for (auto& x : kErrors)
    if (x.e == e) return x.name;
  return "unrecognized error code";
}
const char* cudaGetErrorString(cudaError_t e) {
  for (auto& x : kErrors)
    if (x.e == e) return x.text;
  return "unrecognized error code";
}

}  // extern "C"
