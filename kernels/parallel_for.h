// A parallel loop whose iterations may themselves have threads, where the loop has only one.
#pragma once

#include <cstdint>
#include <omp.h>

#include "kernels/loop_errors.h"

namespace fermion::kernels {

// Calls work(i, thread) for i = 0 .. count - 1, in even shares; throws, after the last, what one of them
// threw. One thread runs outside any parallel region: libgomp counts even a region of one thread as a level,
// starts new threads for each region inside it and ends them after, and oneDNN's calls then take twice as
// long.
template <class Work>
void parallel_for(int threads, std::int64_t count, const Work& work) {
  LoopErrors errors;
  if (threads == 1 || count == 1) {
    for (std::int64_t i = 0; i < count; ++i) errors.collect([&] { work(i, 0); });
  } else {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (std::int64_t i = 0; i < count; ++i) errors.collect([&] { work(i, omp_get_thread_num()); });
  }
  errors.rethrow();
}

}  // namespace fermion::kernels
