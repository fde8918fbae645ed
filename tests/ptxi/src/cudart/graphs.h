// Graphs and their nodes.
#pragma once

#include "cudart/runtime.h"

namespace ptxi {

// A node's public handle.
struct NodeHandle {
  Graph* g;
  int index;
};

Graph* new_graph();
void destroy_graph(Graph* g);
Graph* graph_of(cudaGraph_t g);    // null: invalid handle
Node* node_of(cudaGraphNode_t n);  // null: invalid handle
cudaGraphNode_t handle_of(Graph* g, int node);
cudaError_t set_kernel_params(Node* n, const cudaKernelNodeParams* p);

}  // namespace ptxi
