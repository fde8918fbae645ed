// Which copies and fills the host waits for under late streams, by "API synchronization behavior" in the
// documentation of the runtime API. It says that asynchronous copies of pageable memory "might be
// synchronous": with PTXI_STREAMS=late they are, with latest they are not.

#include <algorithm>
#include <cstring>

#include "cudart/streams.h"
#include "cudart/work.h"
#include "memory.h"
#include "options.h"

namespace ptxi {

namespace {

enum Where { PAGEABLE, PINNED, MANAGED, DEVICE };

Where where_is(const void* p) {
  const Alloc* a = mem_find((u64)p);
  if (!a) return PAGEABLE;
  if (a->kind == A_MANAGED) return MANAGED;
  return a->kind == A_PINNED || a->kind == A_REGISTERED ? PINNED : DEVICE;
}

// Takes the source now; the device gets it later.
void stage(Node& n) {
  auto bytes = std::make_shared<std::vector<u8>>(n.width * n.height);
  for (size_t i = 0; i < n.height; i++)
    memcpy(bytes->data() + i * n.width, (const u8*)n.src + i * n.spitch, n.width);
  n.staged = bytes;
  n.src = bytes->data();
  n.spitch = n.width;
}

bool host_waits(Where from, Where to, bool async) {
  const bool from_host = from == PAGEABLE || from == PINNED, to_host = to == PAGEABLE || to == PINNED;
  if (from_host && to_host) return true;
  if (async) return to == PAGEABLE && !options().latest_streams;
  return from != DEVICE || to != DEVICE;
}

// Whether work before what the stream does next may write memory of the host.
bool host_memory_changes(Stream* st) {
  const std::vector<WorkRef> newest = before_next(st);
  return std::any_of(newest.begin(), newest.end(), [](const WorkRef& last) {
    return newest_before(g_functions, *last) || newest_before(g_downloads, *last);
  });
}

}  // namespace

cudaError_t queue_transfer(Stream* st, Node n, bool async) {
  const Where to = where_is(n.dst);
  if (n.kind == N_MEMSET) {
    const WorkRef w = queue(st, n);
    if (!async && to != DEVICE) return wait_for(w);
    watch(w);
    return cudaSuccess;
  }
  const Where from = where_is(n.src);
  const bool staged = async ? !options().latest_streams && (to == DEVICE || to == MANAGED) : to == DEVICE;
  if (from == PAGEABLE && staged) {
    if (!async || host_memory_changes(st))
      if (cudaError_t e = wait_for(st)) return e;
    stage(n);
    queue(st, n);
    return cudaSuccess;
  }
  const WorkRef w = queue(st, n);
  if (host_waits(from, to, async)) return wait_for(w);
  watch(w);
  return cudaSuccess;
}

}  // namespace ptxi
