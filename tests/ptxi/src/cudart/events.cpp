// Events. They measure the time of the host.

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "cudart/runtime.h"
#include "cudart/streams.h"
#include "cudart/work.h"
#include "options.h"

namespace ptxi {

namespace {

struct Event {
  unsigned flags = 0;
  bool recorded = false;
  std::shared_ptr<double> ms;       // when it was passed, once it is
  WorkRef work;                     // that of the record (PTXI_STREAMS=late)
  CaptureState* capture = nullptr;  // recorded last in this capture
  unsigned long long capture_id = 0;
  std::set<int> nodes;
};

std::set<Event*>& g_events = *new std::set<Event*>;

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

}  // namespace

void events_reset() {
  for (Event* e : g_events) delete e;
  g_events.clear();
}

}  // namespace ptxi

using namespace ptxi;

extern "C" {

static Event* event_of(cudaEvent_t e) {
  return g_events.count((Event*)e) ? (Event*)e : nullptr;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* e, unsigned flags) {
  API();
  if (!e || flags > 7) return set_error(cudaErrorInvalidValue);
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
// A record or wait that a captured graph makes whenever it is launched.
static cudaError_t refuse_external(CaptureState* c) {
  if (!c) return set_error(cudaErrorInvalidValue);
  fprintf(stderr, "[ptxi] external events in graphs are not supported\n");
  return set_error(invalidate(c, cudaErrorNotSupported));
}
cudaError_t cudaEventRecordWithFlags(cudaEvent_t e, cudaStream_t s, unsigned flags) {
  API();
  if (flags & ~(unsigned)cudaEventRecordExternal) return set_error(cudaErrorInvalidValue);
  Event* x = event_of(e);
  Stream* st;
  CaptureState* cap;
  if (!x) return set_error(cudaErrorInvalidResourceHandle);
  if (cudaError_t err = stream_op(s, &st, &cap)) return set_error(err);
  if (flags) return refuse_external(cap);
  x->capture = cap;
  if (cap) {
    x->capture_id = cap->id;
    x->nodes = st->tail;
    return cudaSuccess;
  }
  x->recorded = true;
  x->ms = std::make_shared<double>(0);
  const auto pass = [ms = x->ms] { *ms = event_clock(); };
  if (options().late_streams)
    x->work = queue(st, Node(), pass);
  else
    pass();
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t s) {
  return cudaEventRecordWithFlags(e, s, 0);
}
static cudaError_t event_sync(cudaEvent_t e, bool wait) {
  API_AFTER_FAULT();
  Event* x = event_of(e);
  if (g_sticky) return x && x->work && wait ? wait_for(x->work) : set_error(g_sticky);
  if (!x) return set_error(cudaErrorInvalidResourceHandle);
  if (x->capture) {
    if (live_capture(x)) x->capture->invalid = true;
    return set_error(cudaErrorCapturedEvent);
  }
  if (cudaError_t err = unsafe_call()) return set_error(err);
  if (!x->work) return cudaSuccess;
  return wait ? wait_for(x->work) : query({x->work});
}
cudaError_t cudaEventSynchronize(cudaEvent_t e) {
  return event_sync(e, true);
}
cudaError_t cudaEventQuery(cudaEvent_t e) {
  return event_sync(e, false);
}
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t a, cudaEvent_t b) {
  API();
  Event *x = event_of(a), *y = event_of(b);
  if (!ms) return set_error(cudaErrorInvalidValue);
  if (!x || !y || !x->recorded || !y->recorded || ((x->flags | y->flags) & cudaEventDisableTiming))
    return set_error(cudaErrorInvalidResourceHandle);
  if (x->capture || y->capture) return set_error(cudaErrorCapturedEvent);
  if (options().late_streams)
    if (cudaError_t e = query({x->work, y->work})) return e;
  *ms = (float)(*y->ms - *x->ms);
  return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t s, cudaEvent_t e, unsigned flags) {
  API();
  if (flags & ~(unsigned)cudaEventWaitExternal) return set_error(cudaErrorInvalidValue);
  Event* x = event_of(e);
  Stream* st;
  CaptureState* cap;
  if (!x) return set_error(cudaErrorInvalidResourceHandle);
  if (cudaError_t err = stream_op(s, &st, &cap)) return set_error(err);
  if (flags) return refuse_external(st->capture);
  if (!x->capture) {  // an event outside any capture
    if (st->capture) return set_error(invalidate(st->capture, cudaErrorStreamCaptureIsolation));
    if (x->work) {
      std::vector<WorkRef> after = before_next(st);
      after.push_back(x->work);
      st->last = queue(st, Node(), after);
    }
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

}  // extern "C"
