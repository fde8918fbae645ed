// How the memory of the host that late work needs is looked after, shared by the files that do so.
#pragma once

#include "cudart/work.h"

namespace ptxi {

// --- Sums (host_watch.cpp) ---
void watch_range(HostRange& r, Work& w);  // of the work
void take_sums(Work& w);
void check_range(const Work& w, const HostRange& r);  // reports what was overwritten

// --- What will be written anyway (host_covers.cpp) ---
bool cover(HostRange& r, Work& w);  // by work before; false: there is none
void note_writes(Work& w);          // it will write all of its ranges
void forget_writes(const Work& w);

// --- Host functions (host_function_memory.cpp) ---
void close_pages(Work& w);  // to all but the functions
void open_pages(const Work& w);
void expect_functions(Work& w);  // the last one before it may still write: then the bytes are looked at again
void forget_functions(const Work& w);
bool function_writes(const Work& w);  // one before it has begun: until it is done the bytes may change

}  // namespace ptxi
