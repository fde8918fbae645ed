// Launches of graphs under late streams.

#include <algorithm>

#include "cudart/work.h"

namespace ptxi {

// Each node comes after those it depends on, a launch of a graph also after the launch before.
WorkRef queue_graph(const Graph& g, Stream* st, const WorkRef& launch_before) {
  std::vector<WorkRef> start = before_next(st), nodes;
  if (launch_before) start.push_back(launch_before);
  for (const Node& n : g.nodes) {
    std::vector<WorkRef> after;
    for (int d : n.deps) after.push_back(nodes[(size_t)d]);
    nodes.push_back(queue(st, n, after.empty() ? start : after));
    watch(nodes.back());
  }
  std::reverse(nodes.begin(), nodes.end());  // the end goes on in the lane of the last node
  nodes.insert(nodes.end(), start.begin(), start.end());
  return st->last = queue(st, Node(), nodes);
}

}  // namespace ptxi
