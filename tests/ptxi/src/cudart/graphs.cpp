// Graphs: replay, update, and building them by hand.

#include "cudart/graphs.h"

#include <algorithm>
#include <cstring>

#include "cudart/runtime.h"
#include "cudart/streams.h"
#include "cudart/work.h"
#include "memory.h"
#include "options.h"

namespace ptxi {

namespace {

struct GraphExec {
  Graph g;
  WorkRef last;  // the end of the newest launch (PTXI_STREAMS=late)
};

std::set<Graph*> g_graphs;
std::set<GraphExec*> g_execs;

// A node's public handle.
struct NodeHandle {
  Graph* g;
  int index;
};

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

}  // namespace

Graph* new_graph() {
  Graph* g = new Graph;
  g_graphs.insert(g);
  return g;
}

cudaGraphNode_t handle_of(Graph* g, int i) {
  while ((int)g->handles.size() <= i) g->handles.push_back(new NodeHandle{g, (int)g->handles.size()});
  return (cudaGraphNode_t)g->handles[(size_t)i];
}
static Node* node_of(cudaGraphNode_t n) {
  auto* h = (NodeHandle*)n;
  if (!h || !g_graphs.count(h->g)) return nullptr;
  return &h->g->nodes[(size_t)h->index];
}

void destroy_graph(Graph* g) {
  for (void* h : g->handles) delete (NodeHandle*)h;
  g_graphs.erase(g);
  delete g;
}

}  // namespace ptxi

using namespace ptxi;

extern "C" {

static Graph* graph_of(cudaGraph_t g) {
  return g_graphs.count((Graph*)g) ? (Graph*)g : nullptr;
}
static GraphExec* exec_of(cudaGraphExec_t g) {
  return g_execs.count((GraphExec*)g) ? (GraphExec*)g : nullptr;
}
cudaError_t cudaGraphCreate(cudaGraph_t* g, unsigned) {
  API();
  *g = (cudaGraph_t)new_graph();
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

}  // extern "C"
