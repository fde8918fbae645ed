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
// Ten times as much work takes ten times as long, or a hundred times. `run` does n pieces.
template <class F>
static void run_grows(int n, F run) {
  double few = 1e9;
  for (int i = 0; i < 3; i++) few = std::min(few, cpu_seconds(1, [&] { run(n); }));
  const double many = cpu_seconds(1, [&] { run(10 * n); });
  printf("%d: %.4f s, %d: %.4f s\n", n, few, 10 * n, many);
  result(many < 40 * few, true);
}
template <class F>
static void grows(int n, F queue_one) {
  run_grows(n, [&](int many) {
    for (int i = 0; i < many; i++) queue_one();
  });
}
// Events behind each piece, waited for one by one when all is queued.
template <class F>
static void waits_grow(int n, F queue_one) {
  run_grows(n, [&](int many) {
    std::vector<cudaEvent_t> events(many);
    for (cudaEvent_t& e : events) {
      queue_one();
      CK(cudaEventCreate(&e));
      CK(cudaEventRecord(e, s));
    }
    for (cudaEvent_t e : events) CK(cudaEventSynchronize(e));
    for (cudaEvent_t e : events) CK(cudaEventDestroy(e));
  });
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
  if (is("ok_many_waits")) {
    int* place = device_array<int>(6500);  // for all that is queued
    waits_grow(500, [&] { CK(cudaMemsetAsync(place++, 0, 4, s)); });
  }
  if (is("ok_many_waits_functions"))
    waits_grow(500, [] {
      CK(cudaLaunchHostFunc(
          s, [](void*) {}, nullptr));
    });
  if (is("ok_many_waits_beside"))  // work that waits for a host function
    run_grows(1000, [](int many) {
      CK(cudaLaunchHostFunc(
          t, [](void*) {}, nullptr));
      for (int i = 0; i < many; i++) set<<<1, 1, 0, t>>>(a, 1, 1);
      for (int i = 0; i < many; i++) {
        set<<<1, 1, 0, s>>>(b, 1, 1);
        CK(cudaStreamSynchronize(s));
      }
    });
  if (is("ok_many_small")) {  // after a large one
    constexpr size_t kLarge = 4 << 20;
    int *large = device_array<int>(kLarge / 4), *source;
    CK(cudaMallocHost(&source, kLarge));
    run_grows(1000, [&](int many) {
      upload(large, source, s, kLarge);
      CK(cudaStreamSynchronize(s));
      for (int i = 0; i < many; i++) download(source + i, large, s, 4);
      CK(cudaStreamSynchronize(s));
    });
  }
  if (is("ok_many_inputs")) {  // that all read, beside what each writes
    int* output = device_array<int>(13000);
    CK(cudaMemset(output, 0, 13000 * 4));
    CK(cudaDeviceSynchronize());
    grows(500, [&] {
      for (cudaStream_t stream : {s, t}) add<<<1, 1, 0, stream>>>(output++, a, 1);
    });
  }
  if (is("ok_many_registered"))
    grows(1000, [] {
      set<<<1, 1, 0, s>>>(a, 1, 1);
      CK(cudaHostRegister(host, sizeof host, 0));
      CK(cudaHostUnregister(host));
    });
  if (is("ok_many_streams"))
    grows(500, [] {
      cudaStream_t x;
      CK(cudaStreamCreate(&x));
      set<<<1, 1, 0, x>>>(a, 1, 1);
      CK(cudaStreamSynchronize(x));
      CK(cudaStreamDestroy(x));
      CK(cudaStreamSynchronize(0));
    });
  if (is("ok_many_functions"))
    grows(1000, [] {
      CK(cudaLaunchHostFunc(
          s, [](void*) {}, nullptr));
      upload(a, pinned, s, 64);
    });
}
