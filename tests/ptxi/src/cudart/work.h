// Work that waits in streams (PTXI_STREAMS=late): it is done only when something forces it.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "cudart/host_ranges.h"
#include "cudart/place.h"
#include "cudart/runtime.h"

namespace ptxi {

struct Work {
  u64 number = 0;  // in the order of queueing
  Node node;
  std::function<void()> then;  // done after the node
  std::vector<WorkRef> after;  // what must be done before, as far as it was not when this was queued
  bool done = false;
  int not_ready = -1;  // how often queries have still to answer so; -1: none was made
  Place place;
  std::string stream;
  std::vector<HostRange> watched;  // in host memory, which nobody else may touch until this is done
  std::vector<Work*> sums_after;   // of a host function: work whose bytes may change until it is done
  std::vector<Work*> covers;       // work with ranges that this covers
  // A lane is a chain of work, each piece ordered after the one before.
  unsigned lane = 0;
  u64 time = 0;            // in the lane
  std::vector<u64> clock;  // for each lane, the newest work that is ordered before this, or is this
};
std::string text(const Work& w);  // "copy #12 (cudaMemcpyAsync called at program+0x1234, stream 2)"

using ByLane = std::map<std::pair<unsigned, u64>, WorkRef>;  // and time

// --- The queue (work.cpp) ---
extern std::map<u64, WorkRef>& g_pending;  // by number
extern ByLane& g_lanes;                    // all of it
extern ByLane& g_functions;                // the host functions among it
extern ByLane& g_downloads;                // and the copies to pageable memory
// Queues work that is done after `after`.
WorkRef queue(const Stream* st, const Node& n, const std::vector<WorkRef>& after,
              std::function<void()> then = {});
// Queues work in a stream, after what is there and what its rules put before it.
WorkRef queue(Stream* st, const Node& n, std::function<void()> then = {});
std::vector<WorkRef> before_next(Stream* st);  // what the next work in the stream comes after
std::vector<WorkRef> newest_work(Stream* st);  // what who waits for the stream waits for
void leave_stream(const Stream* st);           // it is destroyed, its work goes on
void forget_left();                            // such work that the host has since waited for
void drop_everything();                        // cudaDeviceReset: as if the host had waited for all of it
void watch_nothing();                          // after a fault nothing needs memory of the host any more

// --- Waiting (work_wait.cpp) ---
void run_until_done(const WorkRef& w);   // and all that must be done before; nobody waits
cudaError_t wait_for(const WorkRef& w);  // the host does
cudaError_t wait_for(Stream* st);
cudaError_t wait_for_everything();
cudaError_t query(std::vector<WorkRef> works);  // a seeded number of times cudaErrorNotReady
void run_everything();                          // nobody waits
void run_frees();                               // and what comes before them
const Work* work_being_done();                  // null: none, or it is not late
std::string current_work();                     // its text as the end of a report

// --- Order (work_order.cpp) ---
void set_order(Work& w, const std::vector<WorkRef>& after);
bool before(const Work& a, const Work& b);
Work* newest_before(const ByLane& works, const Work& w);  // or w itself; null: none
// Of each lane, the oldest that the clock does not reach.
std::vector<WorkRef> oldest_beyond(const std::vector<u64>& clock, const ByLane& works);
void host_waited(const Work& w);  // what the host does from now on comes after w
bool was_waited_for(const Work& w);
void host_waited_for_everything();

// --- Memory of the host (host_watch.cpp) ---
void watch(const WorkRef& w);  // reports who touches what the work needs until it is done
void unwatch(Work& w);
bool is_watched(u64 base, u64 size);  // whether work that waits needs any of it
void check_watched(const Work& w);    // reports what was overwritten all the same
// Work `by` writes host memory: what is ordered after it will find other bytes than when it was queued, but
// what was overwritten before is reported.
void host_memory_about_to_change(const Work& by, u64 base, u64 size);
void host_memory_written(const Work& by, u64 base, u64 size);
void uncover(Work& w);  // it has written what work after it needs (host_covers.cpp)
// While a host function runs it may touch what work after it needs (host_function_memory.cpp).
void host_function_begins(const Work& w);
void host_function_done(Work& w);
void host_goes_on();  // after work was forced: between host functions, too, nobody may touch it
// Accesses by others (host_accesses.cpp).
void host_touched(u64 addr, bool write);     // reports work that needs the address; the pages stopped it
void host_memory_freed(u64 base, u64 size);  // reports the work that needs it, and does it
void host_memory_gone(u64 addr);             // a fault: reports work that needs the address

// --- Memory of the device (device_uses.cpp) ---
void note_allocation(void* p, const WorkRef& w);
void before_uses(const Work& w);            // by what is about to be done
void note_uses(const WorkRef& w);           // by what has just been done
void note_free(void* p, const WorkRef& w);  // by a stream: reports uses without an order before it
void forget_uses(void* p);                  // freed
void forget_all_uses();

// --- Copies and fills (late_copies.cpp), graphs (late_graphs.cpp) ---
cudaError_t queue_transfer(Stream* st, Node n, bool async);
WorkRef queue_graph(const Graph& g, Stream* st, const WorkRef& launch_before);  // its end

}  // namespace ptxi
