// Several results of each of 64 threads, against a function of the thread: result k of thread t is element
// threads * k + t.
#pragma once
#include "test.h"

constexpr int threads = 64;

template <class T, class Want>
static void equal(const char* name, const std::vector<T>& got, int k, Want want) {
  int bad = 0;
  for (int t = 0; t < threads; t++) bad += got[threads * k + t] != want(t);
  check(name, !bad);
}
template <class T, class Want>
static void close(const char* name, const std::vector<T>& got, int k, double tolerance, Want want) {
  double e = 0;
  for (int t = 0; t < threads; t++)
    e = worst(e, fabs((double)got[threads * k + t] - want(t)) / (1 + fabs(want(t))));
  check(name, e <= tolerance);
}
