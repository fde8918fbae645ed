// The queue of late work. Of what may be done next, that queued last is done first (PTXI_ORDER=2: in a random
// order, sometimes with work that nothing forces), so that where the program orders nothing, things happen in
// another order than it was written in.

#include "cudart/work.h"

#include <algorithm>

#include "cudart/streams.h"
#include "options.h"
#include "report.h"

namespace ptxi {

using std::string;

// Never destroyed: static destructors of programs may still call the runtime.
std::map<u64, WorkRef>& g_pending = *new std::map<u64, WorkRef>;
std::map<u64, WorkRef>& g_functions = *new std::map<u64, WorkRef>;

namespace {

const Work* g_current = nullptr;
u64 g_number = 0;
std::vector<WorkRef>& g_left = *new std::vector<WorkRef>;  // the newest work of destroyed blocking streams

u64 mix(u64 x) {
  x = (x ^ (x >> 31)) * 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 29)) * 0xbf58476d1ce4e5b9ull;
  return x ^ (x >> 32);
}

u64 random_of(const Work& w) {
  return mix((u64)options().seed * 0x10001 + w.number);
}

bool goes_first(const WorkRef& a, const WorkRef& b) {
  if (options().order < 2) return a->number > b->number;
  return random_of(*a) > random_of(*b);
}

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
  if (st == &g_per_thread) return "the thread's default stream";
  return "stream " + std::to_string(st->id);
}

void run(const WorkRef& w) {
  if (w->node.kind == N_HOST) host_function_begins(*w);
  // What was a valid argument when the work was queued no longer is: a fault of the device.
  if (run_node(w->node) && !g_sticky) set_error(g_sticky = cudaErrorIllegalAddress);
  note_uses(w);
  if (w->then) w->then();
  if (w->node.kind == N_HOST) host_function_done(*w);
  w->node.staged.reset();
}

// What the program never waited for is not done, so nothing of it was checked. Events, frees and host
// functions may be left like that: there is nothing in them that could be wrong.
void report_unwaited() {
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

void carry_out(const WorkRef& w) {
  w->done = true;
  g_pending.erase(w->number);
  g_functions.erase(w->number);
  const Work* outer = std::exchange(g_current, w.get());
  if (!g_sticky) check_watched(*w);
  unwatch(*w);
  w->after.clear();
  if (!g_sticky) run(w);  // after a fault nothing is done any more
  g_current = outer;
}

}  // namespace

const Work* work_being_done() {
  return g_current;
}

string text(const Work& w) {
  const string what = w.node.kind == N_KERNEL ? "kernel " + w.node.call.k->pretty : kind_text(w.node.kind);
  return what + " #" + std::to_string(w.number) + " (" + text(w.place) + ", " + w.stream + ")";
}

string current_work() {
  return g_current ? " | " + text(*g_current) : "";
}

WorkRef queue(const Stream* st, const Node& n, const std::vector<WorkRef>& after,
              std::function<void()> then) {
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
  g_pending[w->number] = w;
  if (n.kind == N_HOST) g_functions[w->number] = w;
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
    works.push_back(g_per_thread.last);
    works.insert(works.end(), g_left.begin(), g_left.end());
  }
  std::erase(works, nullptr);
  return works;
}

std::vector<WorkRef> before_next(Stream* st) {
  std::vector<WorkRef> works = newest_work(st);
  if (st == &g_legacy) g_left.clear();
  if (st != &g_legacy && !(st->flags & cudaStreamNonBlocking) && g_legacy.last)
    works.push_back(g_legacy.last);
  return works;
}

void leave_stream(const Stream* st) {
  if (st->last && !(st->flags & cudaStreamNonBlocking)) g_left.push_back(st->last);
}

void run_until_done(const WorkRef& target) {
  std::vector<WorkRef> stack = {target};
  while (!stack.empty()) {
    const WorkRef w = stack.back();
    std::erase_if(w->after, [](const WorkRef& a) { return a->done; });
    if (w->done)
      stack.pop_back();
    else if (w->after.empty())
      carry_out(w);
    else
      stack.push_back(*std::min_element(w->after.begin(), w->after.end(), goes_first));
  }
}

// Whether work may be done although nothing forces it. Not host functions: they may wait for what the host
// does later.
static bool may_go_ahead(const Work& w) {
  return std::none_of(g_functions.begin(), g_functions.end(),
                      [&](const auto& f) { return f.second.get() == &w || before(*f.second, w); });
}

// Does work that `target` does not need, none or a few pieces with what is ordered before them.
static void go_ahead_of(const Work& target) {
  static u64 forced = 0;
  for (u64 random = mix(((u64)options().seed << 32) + ++forced); random & 1; random = mix(random)) {
    std::vector<WorkRef> others;
    for (const auto& p : g_pending)
      if (!before(*p.second, target) && may_go_ahead(*p.second)) others.push_back(p.second);
    if (others.empty()) return;
    run_until_done(others[(random >> 1) % others.size()]);
  }
}

cudaError_t wait_for(const WorkRef& w) {
  if (options().order == 2 && !w->done) go_ahead_of(*w);
  run_until_done(w);
  host_waited(*w);
  return set_error(g_sticky);
}

cudaError_t wait_for(Stream* st) {
  std::vector<WorkRef> works = newest_work(st);
  std::sort(works.begin(), works.end(), goes_first);
  for (const WorkRef& w : works) wait_for(w);
  return set_error(g_sticky);
}

void run_everything() {
  std::vector<WorkRef> works;
  for (const auto& p : g_pending) works.push_back(p.second);
  std::sort(works.begin(), works.end(), goes_first);
  for (const WorkRef& w : works) run_until_done(w);
}

cudaError_t wait_for_everything() {
  run_everything();
  host_waited_for_everything();
  return set_error(g_sticky);
}

cudaError_t query(const std::vector<WorkRef>& works) {
  for (const WorkRef& w : works) {
    if (!w->done) {
      if (w->not_ready < 0) w->not_ready = (int)(random_of(*w) % 4);
      if (w->not_ready-- > 0) return set_error(cudaErrorNotReady);
    }
    if (cudaError_t e = wait_for(w)) return e;
  }
  return cudaSuccess;
}

void drop_everything() {
  report_unwaited();
  for (const auto& p : g_pending) {
    unwatch(*p.second);
    p.second->done = true;
    p.second->after.clear();
  }
  g_pending.clear();
  g_functions.clear();
}

}  // namespace ptxi
