// Much work that waits: the time that it takes grows with its number, not with the square.
#pragma once
#include <algorithm>
#include <ctime>

#include "common.h"

template <class F>
static double cpu_seconds(int n, F queue_one) {
  const clock_t begun = clock();
  for (int i = 0; i < n; i++) queue_one();
  CK(cudaDeviceSynchronize());
  return (double)(clock() - begun) / CLOCKS_PER_SEC;
}
// Ten times as much work takes ten times as long, or a hundred times.
template <class F>
static void grows(int n, F queue_one) {
  double few = 1e9;
  for (int i = 0; i < 3; i++) few = std::min(few, cpu_seconds(n, queue_one));
  const double many = cpu_seconds(10 * n, queue_one);
  printf("%d: %.4f s, %d: %.4f s\n", n, few, 10 * n, many);
  result(many < 40 * few, true);
}

static void much_work() {
  static int host[16];
  if (is("ok_many_pageable"))
    grows(2000, [] {
      upload(a, host, s, sizeof host);
      set<<<1, 1, 0, s>>>(b, 1, 1);
    });
  if (is("ok_many_fills"))  // of different places
    grows(2000, [] {
      static int* place = device_array<int>(26000);  // for all that grows() does
      CK(cudaMemsetAsync(place++, 0, 4, s));
    });
  if (is("ok_many_downloads"))  // to the same place
    grows(1000, [] { download(pinned, a, s, 4); });
  if (is("ok_many_branches")) {  // launches of a graph
    begin_capture(s);
    set<<<1, 1, 0, s>>>(a, 1, 1);
    order(s, t);
    set<<<1, 1, 0, t>>>(b, 1, 1);
    set<<<1, 1, 0, s>>>(a, 2, 1);
    order(t, s);
    static cudaGraphExec_t exec = end_capture(s);
    grows(1000, [] { CK(cudaGraphLaunch(exec, s)); });
  }
  if (is("ok_many_functions_beside"))
    grows(1000, [] {
      CK(cudaLaunchHostFunc(
          t, [](void*) {}, nullptr));
      upload(a, pinned, s, 64);
    });
  if (is("ok_many_functions_pages"))  // and copies of whole pages
    grows(400, [] {
      CK(cudaLaunchHostFunc(
          s, [](void*) {}, nullptr));
      upload(a, pinned, s, 4096);
    });
  if (is("ok_many_functions"))
    grows(1000, [] {
      CK(cudaLaunchHostFunc(
          s, [](void*) {}, nullptr));
      upload(a, pinned, s, 64);
    });
}
