// The queue of late work.

#include "cudart/work.h"

#include <algorithm>
#include <unistd.h>

#include "cudart/stream_races.h"
#include "cudart/streams.h"
#include "memory.h"
#include "report.h"

namespace ptxi {

using std::string;

// Never destroyed: static destructors of programs may still call the runtime.
std::map<u64, WorkRef>& g_pending = *new std::map<u64, WorkRef>;
ByLane& g_lanes = *new ByLane;
ByLane& g_functions = *new ByLane;
ByLane& g_downloads = *new ByLane;

namespace {

u64 g_number = 0;
pid_t g_process = 0;  // that queues work; what a child finds of it is not its own
// The newest work of destroyed blocking streams, as far as the host has not waited for it.
std::vector<WorkRef>& g_left = *new std::vector<WorkRef>;

const char* kind_text(NodeKind kind) {
  switch (kind) {
    case N_MEMCPY:
      return "copy";
    case N_MEMSET:
      return "fill";
    case N_HOST:
      return "host function";
    case N_ALLOC:
      return "allocation";
    case N_FREE:
      return "free";
    default:
      return "work";
  }
}

string stream_text(const Stream* st) {
  if (st == &g_legacy) return "the default stream";
  if (g_thread_streams.count((Stream*)st)) return "a thread's default stream";
  return "stream " + std::to_string(st->id);
}

// What the program never waited for is not done, so nothing of it was checked. Events, frees and host
// functions may be left like that: there is nothing in them that could be wrong.
void report_unwaited() {
  if (g_process != getpid()) return;
  const std::unique_lock<std::recursive_mutex> lock(g_api, std::try_to_lock);
  if (!lock || g_sticky) return;  // another thread waits for work; or a fault ended all
  u64 left = 0;
  const Work* first = nullptr;
  for (const auto& [number, w] : g_pending) {
    const NodeKind kind = w->node.kind;
    if (kind != N_KERNEL && kind != N_MEMCPY && kind != N_MEMSET) continue;
    if (!left++) first = w.get();
  }
  if (left)
    report_warning("unwaited",
                   std::to_string(left) +
                       " piece(s) of work were never waited for and not done, the first: " + text(*first));
}

}  // namespace

string text(const Work& w) {
  const string what = w.node.kind == N_KERNEL ? "kernel " + w.node.call.k->pretty : kind_text(w.node.kind);
  return what + " #" + std::to_string(w.number) + " (" + text(w.place) + ", " + w.stream + ")";
}

WorkRef queue(const Stream* st, const Node& n, const std::vector<WorkRef>& after,
              std::function<void()> then) {
  if (!at_end) g_process = getpid();
  at_end = report_unwaited;
  auto w = std::make_shared<Work>();
  w->number = ++g_number;
  w->node = n;
  w->then = std::move(then);
  w->place = current_call();
  w->stream = stream_text(st);
  std::copy_if(after.begin(), after.end(), std::back_inserter(w->after),
               [](const WorkRef& a) { return !a->done; });
  set_order(*w, after);
  g_pending[w->number] = g_lanes[{w->lane, w->time}] = w;
  if (n.kind == N_HOST) g_functions[{w->lane, w->time}] = w;
  if (n.kind == N_MEMCPY && !mem_find((u64)n.dst)) g_downloads[{w->lane, w->time}] = w;
  if (st == &g_legacy) g_left.clear();  // being among `after`
  return w;
}

WorkRef queue(Stream* st, const Node& n, std::function<void()> then) {
  return st->last = queue(st, n, before_next(st), std::move(then));
}

// The legacy default stream waits for all streams that are not non-blocking, and they wait for it.
std::vector<WorkRef> newest_work(Stream* st) {
  std::vector<WorkRef> works = {st->last};
  if (st == &g_legacy) {
    for (Stream* s : g_streams)
      if (!(s->flags & cudaStreamNonBlocking)) works.push_back(s->last);
    for (Stream* s : g_thread_streams) works.push_back(s->last);
    forget_left();
    works.insert(works.end(), g_left.begin(), g_left.end());
  }
  std::erase(works, nullptr);
  return works;
}

std::vector<WorkRef> before_next(Stream* st) {
  std::vector<WorkRef> works = newest_work(st);
  if (st != &g_legacy && !(st->flags & cudaStreamNonBlocking) && g_legacy.last)
    works.push_back(g_legacy.last);
  return works;
}

void leave_stream(const Stream* st) {
  if (st->last && !was_waited_for(*st->last) && !(st->flags & cudaStreamNonBlocking))
    g_left.push_back(st->last);
}

void forget_left() {
  std::erase_if(g_left, [](const WorkRef& w) { return was_waited_for(*w); });
}

void drop_everything() {
  report_unwaited();
  for (const auto& p : g_pending) {
    unwatch(*p.second);
    p.second->done = true;
    p.second->after.clear();
  }
  g_pending.clear();
  g_lanes.clear();
  g_functions.clear();
  g_downloads.clear();
  g_left.clear();
  host_waited_for_everything();
  races_forget();
  forget_all_uses();
}

void watch_nothing() {
  for (const auto& p : g_pending) unwatch(*p.second);
}

}  // namespace ptxi
