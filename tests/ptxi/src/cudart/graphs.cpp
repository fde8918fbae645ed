// Graphs and their nodes: building them by hand.

#include "cudart/graphs.h"

#include <algorithm>

#include "cudart/streams.h"

namespace ptxi {

namespace {

std::set<Graph*>& g_graphs = *new std::set<Graph*>;

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

Graph* graph_of(cudaGraph_t g) {
  return g_graphs.count((Graph*)g) ? (Graph*)g : nullptr;
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

cudaError_t set_kernel_params(Node* n, const cudaKernelNodeParams* p) {
  if (!n || !p || n->kind != N_KERNEL) return set_error(cudaErrorInvalidValue);
  KernelCall c;
  if (cudaError_t e = make_call(c, p->func, p->gridDim, p->blockDim, p->kernelParams, p->sharedMemBytes,
                                n->call.d.cooperative))
    return set_error(e);
  n->call = c;
  return cudaSuccess;
}

}  // namespace ptxi

using namespace ptxi;

extern "C" {

cudaError_t cudaGraphCreate(cudaGraph_t* g, unsigned flags) {
  API();
  if (!g || flags) return set_error(cudaErrorInvalidValue);
  *g = (cudaGraph_t)new_graph();
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t g) {
  API();
  Graph* x = graph_of(g);
  if (!x) return set_error(cudaErrorInvalidValue);
  for (const CaptureState* c : g_captures)
    if (c->graph == x) return set_error(cudaErrorIllegalState);
  destroy_graph(x);
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
  if (!t) return set_error(cudaErrorInvalidValue);
  Node* x = node_of(n);
  if (!x) return set_error(cudaErrorInvalidValue);
  *t = node_type(*x);
  return cudaSuccess;
}
static cudaError_t add_node(cudaGraphNode_t* out, cudaGraph_t g, const cudaGraphNode_t* deps, size_t nd,
                            Node n) {
  Graph* x = graph_of(g);
  if (!x || !out) return set_error(cudaErrorInvalidValue);
  if (nd && !deps) return set_error(cudaErrorInvalidValue);
  std::set<int> different;
  for (size_t i = 0; i < nd; i++) {
    if (!node_of(deps[i]) || ((NodeHandle*)deps[i])->g != x) return set_error(cudaErrorInvalidValue);
    const int d = ((NodeHandle*)deps[i])->index;
    if (!different.insert(d).second) return set_error(cudaErrorInvalidValue);
    n.deps.push_back(d);
  }
  x->nodes.push_back(n);
  *out = handle_of(x, (int)x->nodes.size() - 1);
  return cudaSuccess;
}
cudaError_t cudaGraphAddKernelNode(cudaGraphNode_t* out, cudaGraph_t g, const cudaGraphNode_t* deps,
                                   size_t nd, const cudaKernelNodeParams* p) {
  API();
  if (!p) return set_error(cudaErrorInvalidValue);
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
  if (!p || !p->fn) return set_error(cudaErrorInvalidValue);
  Node n;
  n.kind = N_HOST;
  n.fn = p->fn;
  n.data = p->userData;
  return add_node(out, g, deps, nd, n);
}
cudaError_t cudaGraphAddMemsetNode(cudaGraphNode_t* out, cudaGraph_t g, const cudaGraphNode_t* deps,
                                   size_t nd, const cudaMemsetParams* p) {
  API();
  if (!p) return set_error(cudaErrorInvalidValue);
  Node n;
  n.kind = N_MEMSET;
  n.dst = p->dst;
  n.value = p->value;
  n.elem = p->elementSize;
  if (__builtin_mul_overflow(p->width, p->elementSize, &n.width)) return set_error(cudaErrorInvalidValue);
  n.height = p->height;
  n.dpitch = p->height > 1 ? p->pitch : n.width;
  if (n.elem != 1 && n.elem != 2 && n.elem != 4) return set_error(cudaErrorInvalidValue);
  if (n.dpitch < n.width || n.dpitch % n.elem || (u64)n.dst % n.elem) return set_error(cudaErrorInvalidValue);
  if (cudaError_t e = check_transfer(n)) return set_error(e);
  return add_node(out, g, deps, nd, n);
}
cudaError_t cudaGraphAddMemcpyNode1D(cudaGraphNode_t* out, cudaGraph_t g, const cudaGraphNode_t* deps,
                                     size_t nd, void* d, const void* s, size_t count, cudaMemcpyKind kind) {
  API();
  const Node n = copy_node(d, count, s, count, count, 1);
  if (cudaError_t e = check_kind(d, s, count > 0, kind)) return set_error(e);
  if (cudaError_t e = check_transfer(n)) return set_error(e);
  return add_node(out, g, deps, nd, n);
}
cudaError_t cudaGraphKernelNodeSetParams(cudaGraphNode_t n, const cudaKernelNodeParams* p) {
  API();
  return set_kernel_params(node_of(n), p);
}
}  // extern "C"
