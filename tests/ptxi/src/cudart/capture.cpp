// Capture of streams into graphs.

#include <algorithm>
#include <atomic>
#include <vector>

#include "cudart/graphs.h"
#include "cudart/runtime.h"
#include "cudart/streams.h"

namespace ptxi {

std::set<CaptureState*>& g_captures = *new std::set<CaptureState*>;
static thread_local cudaStreamCaptureMode t_mode = cudaStreamCaptureModeGlobal;

static unsigned long long thread_id() {
  static std::atomic<unsigned long long> next{1};
  static thread_local unsigned long long id = next++;
  return id;
}

void end_capture(CaptureState* c) {
  for (Stream* s : c->streams) {
    s->capture = nullptr;
    s->tail.clear();
  }
  g_captures.erase(c);
  delete c;
}

cudaError_t invalidate(CaptureState* c, cudaError_t e) {
  c->invalid = true;
  return e;
}

cudaError_t legacy_call() {
  // Work in the legacy stream would wait for every capturing stream that is not non-blocking.
  for (CaptureState* c : g_captures)
    for (Stream* s : c->streams)
      if (!(s->flags & cudaStreamNonBlocking)) return invalidate(c, cudaErrorStreamCaptureImplicit);
  return unsafe_call();
}

cudaError_t unsafe_call() {
  if (t_mode == cudaStreamCaptureModeRelaxed) return cudaSuccess;
  for (CaptureState* c : g_captures) {
    bool mine = c->thread == thread_id();
    if (c->mode == cudaStreamCaptureModeRelaxed) continue;
    if (c->mode == cudaStreamCaptureModeThreadLocal && !mine) continue;
    if (t_mode == cudaStreamCaptureModeThreadLocal && !mine) continue;
    return invalidate(c, cudaErrorStreamCaptureUnsupported);
  }
  return cudaSuccess;
}

}  // namespace ptxi

using namespace ptxi;

extern "C" {

// Whether every node is, or comes before, one of those that the origin has seen last.
static bool is_joined(const CaptureState& c) {
  const std::vector<Node>& nodes = c.graph->nodes;
  std::vector<bool> seen(nodes.size());
  std::vector<int> todo(c.origin->tail.begin(), c.origin->tail.end());
  while (!todo.empty()) {
    const size_t i = (size_t)todo.back();
    todo.pop_back();
    if (seen[i]) continue;
    seen[i] = true;
    todo.insert(todo.end(), nodes[i].deps.begin(), nodes[i].deps.end());
  }
  return std::count(seen.begin(), seen.end(), false) == 0;
}

static cudaError_t begin_capture(cudaStream_t s, cudaStreamCaptureMode mode) {
  API();
  if ((unsigned)mode > cudaStreamCaptureModeRelaxed) return set_error(cudaErrorInvalidValue);
  Stream* st = stream_of(s);
  if (!st) return set_error(cudaErrorInvalidResourceHandle);
  if (st == &g_legacy) return set_error(cudaErrorStreamCaptureUnsupported);
  if (st->capture) return set_error(cudaErrorIllegalState);
  auto* c = new CaptureState;
  c->graph = new_graph();
  c->origin = st;
  c->mode = mode;
  c->streams.insert(st);
  c->id = ++g_ids;
  c->thread = thread_id();
  g_captures.insert(c);
  st->capture = c;
  st->tail.clear();
  return cudaSuccess;
}
cudaError_t cudaStreamBeginCapture(cudaStream_t s, cudaStreamCaptureMode mode) {
  return begin_capture(s, mode);
}
cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t* g) {
  API_AFTER_FAULT();
  if (g) *g = nullptr;
  Stream* st = stream_of(s);
  if (!st) return set_error(cudaErrorInvalidResourceHandle);
  CaptureState* c = st->capture;
  if (!c) return set_error(cudaErrorIllegalState);
  if (c->origin != st) return set_error(invalidate(c, cudaErrorStreamCaptureUnmatched));
  if (c->thread != thread_id() && c->mode != cudaStreamCaptureModeRelaxed)
    return set_error(cudaErrorStreamCaptureWrongThread);
  cudaError_t e = c->invalid ? cudaErrorStreamCaptureInvalidated : cudaSuccess;
  if (!e && !is_joined(*c)) e = cudaErrorStreamCaptureUnjoined;
  Graph* graph = c->graph;
  end_capture(c);
  if (!e && !g) e = cudaErrorInvalidValue;
  if (e) {
    destroy_graph(graph);
    return set_error(e);
  }
  *g = (cudaGraph_t)graph;
  return cudaSuccess;
}
cudaError_t cudaStreamIsCapturing(cudaStream_t s, cudaStreamCaptureStatus* out) {
  API();
  Stream* st = stream_of(s);
  if (!st || !out) return set_error(st ? cudaErrorInvalidValue : cudaErrorInvalidResourceHandle);
  if (st == &g_legacy)
    for (CaptureState* c : g_captures)
      for (Stream* x : c->streams)
        if (!(x->flags & cudaStreamNonBlocking)) return set_error(cudaErrorStreamCaptureImplicit);
  *out = !st->capture           ? cudaStreamCaptureStatusNone
         : st->capture->invalid ? cudaStreamCaptureStatusInvalidated
                                : cudaStreamCaptureStatusActive;
  return cudaSuccess;
}
cudaError_t cudaStreamGetCaptureInfo(cudaStream_t s, cudaStreamCaptureStatus* status, unsigned long long* id,
                                     cudaGraph_t* g, const cudaGraphNode_t** deps,
                                     const cudaGraphEdgeData** edges, size_t* n) {
  API();
  if (!status) return set_error(cudaErrorInvalidValue);
  Stream* st = stream_of(s);
  if (!st) return set_error(cudaErrorInvalidResourceHandle);
  CaptureState* c = st->capture;
  *status = !c           ? cudaStreamCaptureStatusNone
            : c->invalid ? cudaStreamCaptureStatusInvalidated
                         : cudaStreamCaptureStatusActive;
  if (!c) return cudaSuccess;
  std::vector<cudaGraphNode_t>& list = st->tail_nodes;
  list.clear();
  for (int i : st->tail) list.push_back(handle_of(c->graph, i));
  if (id) *id = c->id;
  if (g) *g = (cudaGraph_t)c->graph;
  if (deps) *deps = list.data();
  if (edges) *edges = nullptr;
  if (n) *n = list.size();
  return cudaSuccess;
}
cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* m) {
  API_WITHOUT_STATE();
  if (!m || (unsigned)*m > cudaStreamCaptureModeRelaxed) return set_error(cudaErrorInvalidValue);
  std::swap(*m, t_mode);
  return cudaSuccess;
}

}  // extern "C"
