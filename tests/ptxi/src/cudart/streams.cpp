// Streams. Work runs when it is submitted (PTXI_STREAMS=late: is queued), or is recorded where the stream is
// being captured.

#include "cudart/streams.h"

#include <algorithm>

#include "cudart/graphs.h"
#include "cudart/runtime.h"
#include "cudart/work.h"
#include "memory.h"
#include "of_thread.h"
#include "options.h"

namespace ptxi {

unsigned long long g_ids = 0;
Stream& g_legacy = *new Stream;
std::set<Stream*>& g_thread_streams = *new std::set<Stream*>;
std::set<Stream*>& g_streams = *new std::set<Stream*>;

// What was queued goes on.
static void end_stream(Stream* st) {
  CaptureState* c = st->capture;
  if (c && c->origin == st) {  // nobody can end it
    destroy_graph(c->graph);
    end_capture(c);
  } else if (c) {
    c->invalid = true;
    c->streams.erase(st);
  }
  leave_stream(st);
}

struct ThreadStream : Stream {
  ThreadStream() { g_thread_streams.insert(this); }
  ~ThreadStream() {
    LOCK();
    g_thread_streams.erase(this);
    end_stream(this);
  }
};

Stream* stream_of(cudaStream_t s) {
  if (!s || s == cudaStreamLegacy) return &g_legacy;
  if (s == cudaStreamPerThread) return &of_thread<ThreadStream>();
  return g_streams.count((Stream*)s) ? (Stream*)s : nullptr;
}

void streams_reset() {
  drop_everything();
  while (!g_captures.empty()) {
    CaptureState* c = *g_captures.begin();
    destroy_graph(c->graph);
    end_capture(c);
  }
  for (Stream* s : g_streams) delete s;
  g_streams.clear();
  g_legacy.last = nullptr;
  for (Stream* s : g_thread_streams) s->last = nullptr;
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
  if (options().late_streams) {
    watch(queue(st, n));
    return cudaSuccess;
  }
  return set_error(run_node(n));
}

cudaError_t submit_transfer(cudaStream_t s, const Node& n, bool async) {
  if (!async)
    if (cudaError_t e = legacy_call()) return set_error(e);
  Stream* st;
  CaptureState* cap;
  if (cudaError_t e = stream_op(async ? s : nullptr, &st, &cap)) return set_error(e);
  if (!n.width || !n.height) return cudaSuccess;
  if (cudaError_t e = check_transfer(n)) return set_error(e);
  if (cap || !options().late_streams) return submit(async ? s : nullptr, n);
  return queue_transfer(st, n, async);
}

}  // namespace ptxi

using namespace ptxi;

extern "C" {

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
  g_streams.erase((Stream*)s);
  end_stream((Stream*)s);
  delete (Stream*)s;
  return cudaSuccess;
}
static cudaError_t stream_sync(cudaStream_t s, bool wait) {
  API_AFTER_FAULT();
  Stream* st = stream_of(s);
  if (g_sticky) return st && wait ? wait_for(st) : set_error(g_sticky);
  if (!st) return set_error(cudaErrorInvalidResourceHandle);
  if (st->capture) return set_error(invalidate(st->capture, cudaErrorStreamCaptureUnsupported));
  if (cudaError_t e = st == &g_legacy ? legacy_call() : unsafe_call()) return set_error(e);
  if (cudaError_t e = wait ? wait_for(st) : query(newest_work(st))) return e;
  pools_on_sync();
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t s) {
  return stream_sync(s, true);
}
cudaError_t cudaStreamQuery(cudaStream_t s) {
  return stream_sync(s, false);
}
cudaError_t cudaDeviceSynchronize() {
  API_AFTER_FAULT();
  if (g_sticky) return wait_for_everything();
  for (CaptureState* c : g_captures) return set_error(invalidate(c, cudaErrorStreamCaptureUnsupported));
  if (cudaError_t e = wait_for_everything()) return e;
  pools_on_sync();
  return cudaSuccess;
}
cudaError_t cudaStreamGetFlags(cudaStream_t s, unsigned* f) {
  API();
  if (!f) return set_error(cudaErrorInvalidValue);
  Stream* st = stream_of(s);
  if (!st) return set_error(cudaErrorInvalidResourceHandle);
  *f = st->flags;
  return cudaSuccess;
}
cudaError_t cudaStreamGetPriority(cudaStream_t s, int* p) {
  API();
  if (!p) return set_error(cudaErrorInvalidValue);
  Stream* st = stream_of(s);
  if (!st) return set_error(cudaErrorInvalidResourceHandle);
  *p = st->priority;
  return cudaSuccess;
}
cudaError_t cudaStreamGetId(cudaStream_t s, unsigned long long* id) {
  API();
  if (!id) return set_error(cudaErrorInvalidValue);
  Stream* st = stream_of(s);
  if (!st) return set_error(cudaErrorInvalidResourceHandle);
  *id = st->id;
  return cudaSuccess;
}
cudaError_t cudaStreamGetDevice(cudaStream_t s, int* d) {
  API();
  if (!d) return set_error(cudaErrorInvalidValue);
  if (!stream_of(s)) return set_error(cudaErrorInvalidResourceHandle);
  *d = 0;
  return cudaSuccess;
}
cudaError_t cudaStreamSetAttribute(cudaStream_t s, cudaStreamAttrID, const cudaStreamAttrValue* v) {
  API();
  if (!stream_of(s)) return set_error(cudaErrorInvalidResourceHandle);
  return v ? cudaSuccess : set_error(cudaErrorInvalidValue);
}
cudaError_t cudaStreamAttachMemAsync(cudaStream_t s, void* p, size_t n, unsigned flags) {
  API();
  const Stream* st = stream_of(s);
  if (!st) return set_error(cudaErrorInvalidResourceHandle);
  const bool single = flags == cudaMemAttachSingle && st != &g_legacy;
  if (!single && flags != cudaMemAttachGlobal && flags != cudaMemAttachHost)
    return set_error(cudaErrorInvalidValue);
  const Alloc* a = managed_at(p);
  return a && (!n || n == a->size) ? cudaSuccess : set_error(cudaErrorInvalidValue);
}
cudaError_t cudaCtxResetPersistingL2Cache() {
  API_WITHOUT_STATE();
  return cudaSuccess;
}

}  // extern "C"
