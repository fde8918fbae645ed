// Graphs, as capture needs them.
#pragma once

#include "cudart/runtime.h"

namespace ptxi {

Graph* new_graph();
void destroy_graph(Graph* g);
cudaGraphNode_t handle_of(Graph* g, int node);

}  // namespace ptxi
