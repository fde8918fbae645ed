// Errors: the last one of each thread, a fault that stays, names and texts.

#include "cudart/runtime.h"

namespace ptxi {

cudaError_t g_sticky = cudaSuccess;
static thread_local cudaError_t t_last = cudaSuccess;

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
