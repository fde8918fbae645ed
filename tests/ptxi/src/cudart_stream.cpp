// CUDA runtime: streams, events, stream capture and graphs. Work runs when it is submitted; the
// stream machinery is about error codes, captures and replays.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "cudart.h"

namespace ptxi {

namespace {

struct Event {
  unsigned flags = 0;
  bool recorded = false;
  double ms = 0;
  CaptureState* capture = nullptr;  // recorded last in this capture
  unsigned long long capture_id = 0;
  std::set<int> nodes;
};
struct GraphExec {
  Graph g;
};

unsigned long long g_ids = 0;
Stream g_legacy, g_per_thread;
std::set<Stream*> g_streams;
std::set<Event*> g_events;
std::set<Graph*> g_graphs;
std::set<GraphExec*> g_execs;
std::set<CaptureState*> g_captures;
thread_local cudaStreamCaptureMode t_mode = cudaStreamCaptureModeGlobal;

unsigned long long thread_id() {
  static std::atomic<unsigned long long> next{1};
  static thread_local unsigned long long id = next++;
  return id;
}

// A clock for events: never stands still between two records.
double event_clock() {
  static double last = 0;
  double t =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
  return last = std::max(t, last + 5e-4);
}

bool live_capture(const Event* e) {
  return e->capture && g_captures.count(e->capture) && e->capture->id == e->capture_id;
}

void end_capture(CaptureState* c) {
  for (Stream* s : c->streams) {
    s->capture = nullptr;
    s->tail.clear();
  }
  g_captures.erase(c);
  delete c;
}

// A node's public handle.
struct NodeHandle {
  Graph* g;
  int index;
};

cudaError_t invalidate(CaptureState* c, cudaError_t e) {
  c->invalid = true;
  return e;
}

void append(Graph& to, const Graph& from, std::vector<int> first_deps) {
  const int base = (int)to.nodes.size();
  for (const Node& n : from.nodes) {
    Node x = n;
    for (int& d : x.deps) d += base;
    if (n.deps.empty()) x.deps = first_deps;
    to.nodes.push_back(x);
  }
}

cudaGraphNodeType node_type(const Node& n) {
  switch (n.kind) {
    case N_KERNEL:
      return cudaGraphNodeTypeKernel;
    case N_MEMCPY:
      return cudaGraphNodeTypeMemcpy;
    case N_MEMSET:
      return cudaGraphNodeTypeMemset;
    case N_HOST:
      return cudaGraphNodeTypeHost;
    case N_ALLOC:
      return cudaGraphNodeTypeMemAlloc;
    case N_FREE:
      return cudaGraphNodeTypeMemFree;
    default:
      return cudaGraphNodeTypeEmpty;
  }
}

cudaGraphNode_t handle_of(Graph* g, int i) {
  while ((int)g->handles.size() <= i) g->handles.push_back(new NodeHandle{g, (int)g->handles.size()});
  return (cudaGraphNode_t)g->handles[(size_t)i];
}
Node* node_of(cudaGraphNode_t n) {
  auto* h = (NodeHandle*)n;
  if (!h || !g_graphs.count(h->g)) return nullptr;
  return &h->g->nodes[(size_t)h->index];
}

void destroy_graph(Graph* g) {
  for (void* h : g->handles) delete (NodeHandle*)h;
  g_graphs.erase(g);
  delete g;
}

}  // namespace

Stream* stream_of(cudaStream_t s) {
  if (!s || s == cudaStreamLegacy) return &g_legacy;
  if (s == cudaStreamPerThread) return &g_per_thread;
  return g_streams.count((Stream*)s) ? (Stream*)s : nullptr;
}

void streams_reset() {
  while (!g_captures.empty()) end_capture(*g_captures.begin());
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

cudaError_t stream_op(cudaStream_t s, Stream** st, CaptureState** cap) {
  *st = stream_of(s);
  if (!*st) return cudaErrorInvalidResourceHandle;
  *cap = (*st)->capture;
  if (*cap) return (*cap)->invalid ? cudaErrorStreamCaptureInvalidated : cudaSuccess;
  if (*st == &g_legacy)
    for (CaptureState* c : g_captures)
      for (Stream* x : c->streams)
        if (!(x->flags & cudaStreamNonBlocking)) return invalidate(c, cudaErrorStreamCaptureImplicit);
  return cudaSuccess;
}

int record_node(Stream* st, const Node& n) {
  Graph* g = st->capture->graph;
  g->nodes.push_back(n);
  g->nodes.back().deps.assign(st->tail.begin(), st->tail.end());
  st->tail = {(int)g->nodes.size() - 1};
  return (int)g->nodes.size() - 1;
}

cudaError_t submit(cudaStream_t s, const Node& n) {
  Stream* st;
  CaptureState* cap;
  if (cudaError_t e = stream_op(s, &st, &cap)) return set_error(e);
  if (cap) {
    record_node(st, n);
    return cudaSuccess;
  }
  return set_error(run_node(n));
}

}  // namespace ptxi

using namespace ptxi;

extern "C" {

// ---- streams -------------------------------------------------------------------------------
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* s, unsigned flags, int prio) {
  API();
  if (!s || (flags & ~(unsigned)cudaStreamNonBlocking)) return set_error(cudaErrorInvalidValue);
  Stream* x = new Stream;
  x->flags = flags;
  x->priority = std::max(-5, std::min(0, prio));
  x->id = ++g_ids;
  g_streams.insert(x);
  *s = (cudaStream_t)x;
  return cudaSuccess;
}
cudaError_t cudaStreamCreate(cudaStream_t* s) {
  return cudaStreamCreateWithPriority(s, 0, 0);
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* s, unsigned f) {
  return cudaStreamCreateWithPriority(s, f, 0);
}
cudaError_t cudaStreamDestroy(cudaStream_t s) {
  API();
  if (!g_streams.count((Stream*)s)) return set_error(cudaErrorInvalidResourceHandle);
  if (CaptureState* c = ((Stream*)s)->capture) {
    c->invalid = true;
    c->streams.erase((Stream*)s);
  }
  g_streams.erase((Stream*)s);
  delete (Stream*)s;
  return cudaSuccess;
}
static cudaError_t stream_sync(cudaStream_t s) {
  API();
  Stream* st = stream_of(s);
  if (!st) return set_error(cudaErrorInvalidResourceHandle);
  if (st->capture) return set_error(invalidate(st->capture, cudaErrorStreamCaptureUnsupported));
  if (cudaError_t e = st == &g_legacy ? legacy_call() : unsafe_call()) return set_error(e);
  pools_on_sync();
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t s) {
  return stream_sync(s);
}
cudaError_t cudaStreamQuery(cudaStream_t s) {
  return stream_sync(s);
}
cudaError_t cudaDeviceSynchronize() {
  API();
  for (CaptureState* c : g_captures) return set_error(invalidate(c, cudaErrorStreamCaptureUnsupported));
  pools_on_sync();
  return cudaSuccess;
}
cudaError_t cudaStreamGetFlags(cudaStream_t s, unsigned* f) {
  API();
  Stream* st = stream_of(s);
  if (!st) return set_error(cudaErrorInvalidResourceHandle);
  *f = st->flags;
  return cudaSuccess;
}
cudaError_t cudaStreamGetPriority(cudaStream_t s, int* p) {
  API();
  Stream* st = stream_of(s);
  if (!st) return set_error(cudaErrorInvalidResourceHandle);
  *p = st->priority;
  return cudaSuccess;
}
cudaError_t cudaStreamGetId(cudaStream_t s, unsigned long long* id) {
  API();
  Stream* st = stream_of(s);
  if (!st) return set_error(cudaErrorInvalidResourceHandle);
  *id = st->id;
  return cudaSuccess;
}
cudaError_t cudaStreamGetDevice(cudaStream_t s, int* d) {
  API();
  if (!stream_of(s)) return set_error(cudaErrorInvalidResourceHandle);
  *d = 0;
  return cudaSuccess;
}
cudaError_t cudaStreamSetAttribute(cudaStream_t, cudaStreamAttrID, const cudaStreamAttrValue*) {
  return cudaSuccess;
}
cudaError_t cudaStreamAttachMemAsync(cudaStream_t, void*, size_t, unsigned) {
  return cudaSuccess;
}
cudaError_t cudaCtxResetPersistingL2Cache() {
  return cudaSuccess;
}
cudaError_t cudaLaunchHostFunc(cudaStream_t s, cudaHostFn_t f, void* data) {
  API();
  if (!f) return set_error(cudaErrorInvalidValue);
  Node n;
  n.kind = N_HOST;
  n.fn = f;
  n.data = data;
  return submit(s, n);
}
cudaError_t cudaStreamAddCallback(cudaStream_t s, cudaStreamCallback_t f, void* data, unsigned) {
  API();
  Stream* st;
  CaptureState* cap;
  if (cudaError_t e = stream_op(s, &st, &cap)) return set_error(e);
  if (cap) return set_error(invalidate(cap, cudaErrorStreamCaptureUnsupported));
  f(s, cudaSuccess, data);
  return cudaSuccess;
}

// ---- events --------------------------------------------------------------------------------
static Event* event_of(cudaEvent_t e) {
  return g_events.count((Event*)e) ? (Event*)e : nullptr;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* e, unsigned flags) {
  API();
  if (!e) return set_error(cudaErrorInvalidValue);
  if ((flags & cudaEventInterprocess) && !(flags & cudaEventDisableTiming))
    return set_error(cudaErrorInvalidValue);
  Event* x = new Event;
  x->flags = flags;
  g_events.insert(x);
  *e = (cudaEvent_t)x;
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* e) {
  return cudaEventCreateWithFlags(e, 0);
}
cudaError_t cudaEventDestroy(cudaEvent_t e) {
  API();
  if (!event_of(e)) return set_error(cudaErrorInvalidResourceHandle);
  g_events.erase((Event*)e);
  delete (Event*)e;
  return cudaSuccess;
}
cudaError_t cudaEventRecordWithFlags(cudaEvent_t e, cudaStream_t s, unsigned) {
  API();
  Event* x = event_of(e);
  Stream* st;
  CaptureState* cap;
  if (!x) return set_error(cudaErrorInvalidResourceHandle);
  if (cudaError_t err = stream_op(s, &st, &cap)) return set_error(err);
  x->capture = cap;
  if (cap) {
    x->capture_id = cap->id;
    x->nodes = st->tail;
    return cudaSuccess;
  }
  x->recorded = true;
  x->ms = event_clock();
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t s) {
  return cudaEventRecordWithFlags(e, s, 0);
}
static cudaError_t event_sync(cudaEvent_t e) {
  API();
  Event* x = event_of(e);
  if (!x) return set_error(cudaErrorInvalidResourceHandle);
  if (x->capture) {
    if (live_capture(x)) x->capture->invalid = true;
    return set_error(cudaErrorCapturedEvent);
  }
  return set_error(unsafe_call());
}
cudaError_t cudaEventSynchronize(cudaEvent_t e) {
  return event_sync(e);
}
cudaError_t cudaEventQuery(cudaEvent_t e) {
  return event_sync(e);
}
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t a, cudaEvent_t b) {
  API();
  Event *x = event_of(a), *y = event_of(b);
  if (!ms) return set_error(cudaErrorInvalidValue);
  if (!x || !y || !x->recorded || !y->recorded || ((x->flags | y->flags) & cudaEventDisableTiming))
    return set_error(cudaErrorInvalidResourceHandle);
  if (x->capture || y->capture) return set_error(cudaErrorCapturedEvent);
  *ms = (float)(y->ms - x->ms);
  return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t s, cudaEvent_t e, unsigned) {
  API();
  Event* x = event_of(e);
  Stream* st = stream_of(s);
  if (!x || !st) return set_error(cudaErrorInvalidResourceHandle);
  if (!x->capture) {  // an event outside any capture
    if (st->capture) return set_error(invalidate(st->capture, cudaErrorStreamCaptureIsolation));
    return cudaSuccess;
  }
  if (!live_capture(x))
    return st->capture ? set_error(invalidate(st->capture, cudaErrorStreamCaptureIsolation)) : cudaSuccess;
  if (x->capture->invalid) return set_error(cudaErrorStreamCaptureInvalidated);
  if (st->capture && st->capture != x->capture) {
    x->capture->invalid = true;
    return set_error(invalidate(st->capture, cudaErrorStreamCaptureMerge));
  }
  if (!st->capture) {  // the stream joins the capture
    if (st == &g_legacy) return set_error(invalidate(x->capture, cudaErrorStreamCaptureImplicit));
    st->capture = x->capture;
    st->tail.clear();
    x->capture->streams.insert(st);
  }
  st->tail.insert(x->nodes.begin(), x->nodes.end());
  return cudaSuccess;
}

// ---- capture -------------------------------------------------------------------------------
static cudaError_t begin_capture(cudaStream_t s, cudaStreamCaptureMode mode) {
  API();
  Stream* st = stream_of(s);
  if (!st) return set_error(cudaErrorInvalidResourceHandle);
  if (st == &g_legacy) return set_error(cudaErrorStreamCaptureUnsupported);
  if (st->capture) return set_error(cudaErrorIllegalState);
  auto* c = new CaptureState;
  c->graph = new Graph;
  g_graphs.insert(c->graph);
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
  LOCK();
  if (g) *g = nullptr;
  Stream* st = stream_of(s);
  if (!st) return set_error(cudaErrorInvalidResourceHandle);
  CaptureState* c = st->capture;
  if (!c) return set_error(cudaErrorIllegalState);
  if (c->origin != st) return set_error(invalidate(c, cudaErrorStreamCaptureUnmatched));
  if (c->thread != thread_id() && c->mode != cudaStreamCaptureModeRelaxed)
    return set_error(cudaErrorStreamCaptureWrongThread);
  cudaError_t e = c->invalid ? cudaErrorStreamCaptureInvalidated : cudaSuccess;
  if (!e) {
    // Every node must be an ancestor of what the origin stream has seen last.
    std::vector<bool> seen(c->graph->nodes.size());
    std::vector<int> todo(st->tail.begin(), st->tail.end());
    while (!todo.empty()) {
      int i = todo.back();
      todo.pop_back();
      if (seen[(size_t)i]) continue;
      seen[(size_t)i] = true;
      for (int d : c->graph->nodes[(size_t)i].deps) todo.push_back(d);
    }
    if (std::count(seen.begin(), seen.end(), false)) e = cudaErrorStreamCaptureUnjoined;
    for (Stream* x : c->streams) {  // a joined stream without nodes of its own must be rejoined too
      if (x == st) continue;
      for (int t : x->tail)
        if (!seen[(size_t)t]) e = cudaErrorStreamCaptureUnjoined;
    }
  }
  Graph* graph = c->graph;
  end_capture(c);
  if (e) {
    destroy_graph(graph);
    return set_error(e);
  }
  if (g) *g = (cudaGraph_t)graph;
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
  Stream* st = stream_of(s);
  if (!st) return set_error(cudaErrorInvalidResourceHandle);
  CaptureState* c = st->capture;
  *status = !c           ? cudaStreamCaptureStatusNone
            : c->invalid ? cudaStreamCaptureStatusInvalidated
                         : cudaStreamCaptureStatusActive;
  if (!c) return cudaSuccess;
  static thread_local std::vector<cudaGraphNode_t> list;
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
  std::swap(*m, t_mode);
  return cudaSuccess;
}

// ---- graphs --------------------------------------------------------------------------------
static Graph* graph_of(cudaGraph_t g) {
  return g_graphs.count((Graph*)g) ? (Graph*)g : nullptr;
}
static GraphExec* exec_of(cudaGraphExec_t g) {
  return g_execs.count((GraphExec*)g) ? (GraphExec*)g : nullptr;
}
cudaError_t cudaGraphCreate(cudaGraph_t* g, unsigned) {
  API();
  Graph* x = new Graph;
  g_graphs.insert(x);
  *g = (cudaGraph_t)x;
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t g) {
  API();
  Graph* x = graph_of(g);
  if (!x) return set_error(cudaErrorInvalidValue);
  destroy_graph(x);
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* e, cudaGraph_t g, unsigned long long) {
  API();
  Graph* x = graph_of(g);
  if (!e || !x) return set_error(cudaErrorInvalidValue);
  auto* ex = new GraphExec;
  ex->g.nodes = x->nodes;
  g_execs.insert(ex);
  *e = (cudaGraphExec_t)ex;
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* e, cudaGraph_t g, unsigned long long f) {
  return cudaGraphInstantiate(e, g, f);
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t e) {
  API();
  GraphExec* x = exec_of(e);
  if (!x) return set_error(cudaErrorInvalidValue);
  g_execs.erase(x);
  delete x;
  return cudaSuccess;
}
cudaError_t cudaGraphUpload(cudaGraphExec_t e, cudaStream_t) {
  API();
  return exec_of(e) ? cudaSuccess : set_error(cudaErrorInvalidValue);
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t e, cudaStream_t s) {
  API();
  GraphExec* x = exec_of(e);
  Stream* st;
  CaptureState* cap;
  if (!x) return set_error(cudaErrorInvalidValue);
  if (cudaError_t err = stream_op(s, &st, &cap)) return set_error(err);
  if (cap) {  // becomes part of the graph being captured
    append(*cap->graph, x->g, std::vector<int>(st->tail.begin(), st->tail.end()));
    Node join;  // depends on everything before it
    const int n = (int)cap->graph->nodes.size();
    for (int i = 0; i < n; i++) join.deps.push_back(i);
    cap->graph->nodes.push_back(join);
    st->tail = {n};
    return cudaSuccess;
  }
  for (const Node& n : x->g.nodes) {
    if (cudaError_t err = run_node(n)) return set_error(err);
    if (g_sticky) break;
  }
  return cudaSuccess;
}
cudaError_t cudaGraphExecUpdate(cudaGraphExec_t e, cudaGraph_t g, cudaGraphExecUpdateResultInfo* info) {
  API();
  GraphExec* x = exec_of(e);
  Graph* y = graph_of(g);
  if (!x || !y) return set_error(cudaErrorInvalidValue);
  if (info) memset(info, 0, sizeof *info);
  auto refuse = [&](cudaGraphExecUpdateResult r, int node) {
    if (info) {
      info->result = r;
      info->errorNode = node >= 0 ? handle_of(y, node) : nullptr;
    }
    return set_error(cudaErrorGraphExecUpdateFailure);
  };
  if (x->g.nodes.size() != y->nodes.size()) return refuse(cudaGraphExecUpdateErrorTopologyChanged, -1);
  for (size_t i = 0; i < y->nodes.size(); i++) {
    const Node &a = x->g.nodes[i], &b = y->nodes[i];
    if (a.deps != b.deps) return refuse(cudaGraphExecUpdateErrorTopologyChanged, (int)i);
    if (a.kind != b.kind) return refuse(cudaGraphExecUpdateErrorNodeTypeChanged, (int)i);
    if (a.kind == N_MEMCPY && (!!mem_find((u64)a.src) != !!mem_find((u64)b.src) ||
                               !!mem_find((u64)a.dst) != !!mem_find((u64)b.dst)))
      return refuse(cudaGraphExecUpdateErrorParametersChanged, (int)i);
  }
  x->g.nodes = y->nodes;
  if (info) info->result = cudaGraphExecUpdateSuccess;
  return cudaSuccess;
}
cudaError_t cudaGraphGetNodes(cudaGraph_t g, cudaGraphNode_t* nodes, size_t* n) {
  API();
  Graph* x = graph_of(g);
  if (!x || !n) return set_error(cudaErrorInvalidValue);
  if (nodes)
    for (size_t i = 0; i < *n; i++) nodes[i] = i < x->nodes.size() ? handle_of(x, (int)i) : nullptr;
  if (!nodes || *n > x->nodes.size()) *n = x->nodes.size();
  return cudaSuccess;
}
cudaError_t cudaGraphGetEdges(cudaGraph_t g, cudaGraphNode_t* from, cudaGraphNode_t* to, cudaGraphEdgeData*,
                              size_t* n) {
  API();
  Graph* x = graph_of(g);
  if (!x || !n) return set_error(cudaErrorInvalidValue);
  size_t k = 0;
  for (size_t i = 0; i < x->nodes.size(); i++)
    for (int d : x->nodes[i].deps) {
      if (from && to && k < *n) {
        from[k] = handle_of(x, d);
        to[k] = handle_of(x, (int)i);
      }
      k++;
    }
  *n = from && to ? std::min(*n, k) : k;
  return cudaSuccess;
}
cudaError_t cudaGraphNodeGetType(cudaGraphNode_t n, cudaGraphNodeType* t) {
  API();
  Node* x = node_of(n);
  if (!x) return set_error(cudaErrorInvalidValue);
  *t = node_type(*x);
  return cudaSuccess;
}
static cudaError_t add_node(cudaGraphNode_t* out, cudaGraph_t g, const cudaGraphNode_t* deps, size_t nd,
                            Node n) {
  Graph* x = graph_of(g);
  if (!x || !out) return set_error(cudaErrorInvalidValue);
  for (size_t i = 0; i < nd; i++) n.deps.push_back(((NodeHandle*)deps[i])->index);
  x->nodes.push_back(n);
  *out = handle_of(x, (int)x->nodes.size() - 1);
  return cudaSuccess;
}
cudaError_t cudaGraphAddKernelNode(cudaGraphNode_t* out, cudaGraph_t g, const cudaGraphNode_t* deps,
                                   size_t nd, const cudaKernelNodeParams* p) {
  API();
  Node n;
  n.kind = N_KERNEL;
  if (cudaError_t e =
          make_call(n.call, p->func, p->gridDim, p->blockDim, p->kernelParams, p->sharedMemBytes, false))
    return set_error(e);
  return add_node(out, g, deps, nd, n);
}
cudaError_t cudaGraphAddEmptyNode(cudaGraphNode_t* out, cudaGraph_t g, const cudaGraphNode_t* deps,
                                  size_t nd) {
  API();
  return add_node(out, g, deps, nd, Node());
}
cudaError_t cudaGraphAddHostNode(cudaGraphNode_t* out, cudaGraph_t g, const cudaGraphNode_t* deps, size_t nd,
                                 const cudaHostNodeParams* p) {
  API();
  Node n;
  n.kind = N_HOST;
  n.fn = p->fn;
  n.data = p->userData;
  return add_node(out, g, deps, nd, n);
}
cudaError_t cudaGraphAddMemsetNode(cudaGraphNode_t* out, cudaGraph_t g, const cudaGraphNode_t* deps,
                                   size_t nd, const cudaMemsetParams* p) {
  API();
  Node n;
  n.kind = N_MEMSET;
  n.dst = p->dst;
  n.value = p->value;
  n.elem = p->elementSize;
  n.width = p->width * p->elementSize;
  n.height = p->height;
  n.dpitch = p->height > 1 ? p->pitch : n.width;
  return add_node(out, g, deps, nd, n);
}
cudaError_t cudaGraphAddMemcpyNode1D(cudaGraphNode_t* out, cudaGraph_t g, const cudaGraphNode_t* deps,
                                     size_t nd, void* d, const void* s, size_t count, cudaMemcpyKind) {
  API();
  Node n;
  n.kind = N_MEMCPY;
  n.dst = d;
  n.src = s;
  n.width = n.dpitch = n.spitch = count;
  return add_node(out, g, deps, nd, n);
}
static cudaError_t set_kernel_params(Node* n, const cudaKernelNodeParams* p) {
  if (!n || n->kind != N_KERNEL) return set_error(cudaErrorInvalidValue);
  KernelCall c;
  if (cudaError_t e = make_call(c, p->func, p->gridDim, p->blockDim, p->kernelParams, p->sharedMemBytes,
                                n->call.d.cooperative))
    return set_error(e);
  n->call = c;
  return cudaSuccess;
}
cudaError_t cudaGraphKernelNodeSetParams(cudaGraphNode_t n, const cudaKernelNodeParams* p) {
  API();
  return set_kernel_params(node_of(n), p);
}
cudaError_t cudaGraphExecKernelNodeSetParams(cudaGraphExec_t e, cudaGraphNode_t n,
                                             const cudaKernelNodeParams* p) {
  API();
  GraphExec* x = exec_of(e);
  if (!x || !node_of(n)) return set_error(cudaErrorInvalidValue);
  size_t i = (size_t)((NodeHandle*)n)->index;
  return set_kernel_params(i < x->g.nodes.size() ? &x->g.nodes[i] : nullptr, p);
}
}
