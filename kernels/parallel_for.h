// A parallel loop whose iterations may themselves have threads, where the loop has only one.
#pragma once

#include <cstdint>
#include <omp.h>

#include "kernels/loop_errors.h"

namespace fermion::kernels {

// Calls work(i, thread) for i = 0 .. count - 1, as even shares in order; throws what one of the calls threw.
// One thread runs outside any parallel region: libgomp counts even a region of one thread as a level, starts
// new threads for each region inside it and ends them after, and oneDNN's calls then take twice as long.
template <class Work>
void parallel_for(int threads, std::int64_t count, const Work& work) {
  if (threads == 1 || count == 1) {
    for (std::int64_t i = 0; i < count; ++i) work(i, 0);
    return;
  }
  LoopErrors errors;
#pragma omp parallel for schedule(static) num_threads(threads)
  for (std::int64_t i = 0; i < count; ++i) errors.collect([&] { work(i, omp_get_thread_num()); });
  errors.rethrow();
}

}  // namespace fermion::kernels
