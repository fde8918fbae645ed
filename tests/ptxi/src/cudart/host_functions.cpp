// Host functions: they must not call the runtime.

#include "cudart/place.h"
#include "cudart/runtime.h"
#include "cudart/streams.h"
#include "cudart/work.h"
#include "report.h"

namespace ptxi {

static thread_local bool t_inside = false;

// The function may throw.
struct Inside {
  Inside() { t_inside = true; }
  ~Inside() { t_inside = false; }
};

void run_host_function(const Node& n) {
  const Inside inside;
  if (n.callback)
    n.callback(n.stream, g_sticky, n.data);
  else
    n.fn(n.data);
}

cudaError_t refusal() {
  const cudaError_t inside = refusal_inside();
  return inside ? inside : g_sticky;
}

cudaError_t refusal_inside() {
  if (!t_inside) return cudaSuccess;
  const std::string call = text(current_call());
  report_warning("host function " + call,
                 "a host function must not call the runtime: " + call + current_work());
  return cudaErrorNotPermitted;
}

}  // namespace ptxi

using namespace ptxi;

extern "C" {

cudaError_t cudaLaunchHostFunc(cudaStream_t s, cudaHostFn_t f, void* data) {
  API();
  if (!f) return set_error(cudaErrorInvalidValue);
  Node n;
  n.kind = N_HOST;
  n.fn = f;
  n.data = data;
  return submit(s, n);
}
cudaError_t cudaStreamAddCallback(cudaStream_t s, cudaStreamCallback_t f, void* data, unsigned flags) {
  API();
  if (!f || flags) return set_error(cudaErrorInvalidValue);
  Stream* st;
  CaptureState* cap;
  if (cudaError_t e = stream_op(s, &st, &cap)) return set_error(e);
  if (cap) return set_error(invalidate(cap, cudaErrorStreamCaptureUnsupported));
  Node n;
  n.kind = N_HOST;
  n.callback = f;
  n.stream = s;
  n.data = data;
  return submit(s, n);
}

}  // extern "C"
