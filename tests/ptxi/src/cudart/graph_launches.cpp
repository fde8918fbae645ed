// Instantiated graphs: launches and updates.

#include <cstring>

#include "cudart/graphs.h"
#include "cudart/pools.h"
#include "cudart/streams.h"
#include "cudart/work.h"
#include "memory.h"
#include "options.h"

namespace ptxi {

namespace {

struct GraphExec {
  Graph g;
  const Graph* from;  // which it was made of
  WorkRef last;       // the end of the newest launch (PTXI_STREAMS=late)
};

std::set<GraphExec*>& g_execs = *new std::set<GraphExec*>;

GraphExec* exec_of(cudaGraphExec_t g) {
  return g_execs.count((GraphExec*)g) ? (GraphExec*)g : nullptr;
}

// A launch in a stream that is being captured: its nodes, and one that depends on the last of them.
void add_to_capture(Stream* st, const Graph& from) {
  std::vector<Node>& to = st->capture->graph->nodes;
  const int base = (int)to.size();
  std::set<int> ends;
  for (const Node& n : from.nodes) {
    Node x = n;
    for (int& d : x.deps) ends.erase(d += base);
    if (n.deps.empty()) x.deps.assign(st->tail.begin(), st->tail.end());
    ends.insert((int)to.size());
    to.push_back(x);
  }
  if (!ends.empty()) st->tail = ends;
  record_node(st, Node());
}

}  // namespace

void graphs_reset() {
  for (GraphExec* e : g_execs) delete e;
  g_execs.clear();
}

}  // namespace ptxi

using namespace ptxi;

extern "C" {

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* e, cudaGraph_t g, unsigned long long flags) {
  API();
  Graph* x = graph_of(g);
  if (!e || !x || flags > 15) return set_error(cudaErrorInvalidValue);
  auto* ex = new GraphExec;
  ex->g.nodes = x->nodes;
  ex->from = x;
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
cudaError_t cudaGraphUpload(cudaGraphExec_t e, cudaStream_t s) {
  API();
  if (!stream_of(s)) return set_error(cudaErrorInvalidResourceHandle);
  return exec_of(e) ? cudaSuccess : set_error(cudaErrorInvalidValue);
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t e, cudaStream_t s) {
  API();
  GraphExec* x = exec_of(e);
  Stream* st;
  CaptureState* cap;
  if (!x) return set_error(cudaErrorInvalidValue);
  if (cudaError_t err = stream_op(s, &st, &cap)) return set_error(err);
  if (cap) {
    add_to_capture(st, x->g);
    return cudaSuccess;
  }
  for (const Node& n : x->g.nodes)
    if (n.memory) n.memory->freed = n.kind == N_FREE;
  if (options().late_streams) {
    x->last = queue_graph(x->g, st, x->last);
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
cudaError_t cudaGraphExecKernelNodeSetParams(cudaGraphExec_t e, cudaGraphNode_t n,
                                             const cudaKernelNodeParams* p) {
  API();
  GraphExec* x = exec_of(e);
  if (!x || !node_of(n) || ((NodeHandle*)n)->g != x->from) return set_error(cudaErrorInvalidValue);
  size_t i = (size_t)((NodeHandle*)n)->index;
  return set_kernel_params(i < x->g.nodes.size() ? &x->g.nodes[i] : nullptr, p);
}

}  // extern "C"
