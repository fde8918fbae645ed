// Host functions: they must not call the runtime.

#include "cudart/place.h"
#include "cudart/runtime.h"
#include "cudart/streams.h"
#include "cudart/work.h"
#include "report.h"

namespace ptxi {

static thread_local bool t_inside = false;

void run_host_function(const Node& n) {
  t_inside = true;
  n.fn(n.data);
  t_inside = false;
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
struct Callback {
  cudaStream_t stream;
  cudaStreamCallback_t function;
  void* data;
};
static void call_back(void* data) {
  const std::unique_ptr<Callback> c((Callback*)data);
  c->function(c->stream, cudaSuccess, c->data);
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
  n.fn = call_back;
  n.data = new Callback{s, f, data};
  return submit(s, n);
}

}  // extern "C"
