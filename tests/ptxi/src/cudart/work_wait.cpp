// Waiting for late work, which is what does it. Of what may be done next, that queued last is done first
// (PTXI_ORDER=2: in a random order, sometimes with work that nothing forces), so that where the program
// orders nothing, things happen in another order than it was written in.

#include <algorithm>
#include <utility>

#include "cudart/stream_races.h"
#include "cudart/work.h"
#include "options.h"

namespace ptxi {

namespace {

const Work* g_current = nullptr;

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

// Other threads may look at what the lock guards, but during cooperative launches: those allocate a
// workspace, and no other thread helps with them.
cudaError_t run_lent(const Node& n) {
  if (n.kind == N_KERNEL && n.call.d.cooperative) return run_node(n);
  const Lent lent;
  return run_node(n);
}

void run(const WorkRef& w) {
  if (w->node.kind == N_HOST) host_function_begins(*w);
  before_uses(*w);
  // What was a valid argument when the work was queued no longer is: a fault of the device.
  if (run_lent(w->node) && !g_sticky) set_error(g_sticky = cudaErrorIllegalAddress);
  note_uses(w);
  uncover(*w);
  if (w->then) w->then();
  if (w->node.kind == N_HOST) host_function_done(*w);
  w->node.staged.reset();
  w->node.memory.reset();
}

// Host functions may throw.
struct Current {
  explicit Current(const Work* w) : outer(std::exchange(g_current, w)) {}
  ~Current() { g_current = outer; }
  const Work* outer;
};

void carry_out(const WorkRef& w) {
  w->done = true;
  g_pending.erase(w->number);
  g_lanes.erase({w->lane, w->time});
  g_functions.erase({w->lane, w->time});
  g_downloads.erase({w->lane, w->time});
  const Current current(w.get());
  if (!g_sticky) check_watched(*w);
  unwatch(*w);
  w->after.clear();
  if (g_sticky) {  // nothing is done any more, but callbacks are told
    if (w->node.callback) run_lent(w->node);
    return;
  }
  run(w);
  if (g_sticky) watch_nothing();
}

// Whether work may be done although nothing forces it. Not host functions: they may wait for what the host
// does later.
bool may_go_ahead(const Work& w) {
  return !newest_before(g_functions, w);
}

// Work that comes after `first` in its lane, or that itself, which may go ahead.
WorkRef some_from(const Work& first, u64 random) {
  const u64 newest = std::prev(g_lanes.lower_bound({first.lane + 1, 0}))->first.second;
  for (u64 steps = random % (newest - first.time + 1);; steps /= 2) {
    const WorkRef w = g_lanes.lower_bound({first.lane, first.time + steps})->second;
    if (may_go_ahead(*w)) return w;
  }
}

// Does work that `target` does not need, none or a few pieces with what is ordered before them.
void go_ahead_of(const Work& target) {
  static u64 forced = 0;
  for (u64 random = mix(((u64)options().seed << 32) + ++forced); random & 1; random = mix(random)) {
    std::vector<WorkRef> others = oldest_beyond(target.clock, g_lanes);
    std::erase_if(others, [](const WorkRef& w) { return !may_go_ahead(*w); });
    if (others.empty()) return;
    run_until_done(some_from(*others[(random >> 1) % others.size()], mix(random + 1)));
  }
}

// Does what is chosen, and what comes before it.
void run_all(bool (*chosen)(const Work&)) {
  std::vector<WorkRef> works;
  for (const auto& p : g_pending)
    if (chosen(*p.second)) works.push_back(p.second);
  std::sort(works.begin(), works.end(), goes_first);
  for (const WorkRef& w : works) run_until_done(w);
  host_goes_on();
}

}  // namespace

const Work* work_being_done() {
  return g_current;
}

std::string current_work() {
  return g_current ? " | " + text(*g_current) : "";
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

cudaError_t wait_for(const WorkRef& w) {
  if (options().order == 2 && !w->done) go_ahead_of(*w);
  run_until_done(w);
  host_goes_on();
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
  run_all([](const Work&) { return true; });
}

void run_frees() {
  run_all([](const Work& w) { return w.node.kind == N_FREE; });
}

cudaError_t wait_for_everything() {
  run_everything();
  host_waited_for_everything();
  forget_left();
  races_forget();
  return set_error(g_sticky);
}

cudaError_t query(std::vector<WorkRef> works) {
  if (g_sticky) return set_error(g_sticky);
  std::sort(works.begin(), works.end(), goes_first);
  for (const WorkRef& w : works) {
    if (!w->done) {
      if (w->not_ready < 0) w->not_ready = (int)(random_of(*w) % 4);
      if (w->not_ready-- > 0) return set_error(cudaErrorNotReady);
    }
    if (cudaError_t e = wait_for(w)) return e;
  }
  return cudaSuccess;
}

}  // namespace ptxi
