// Threads of the host that touch what work has yet to read, beside launches and host functions that run.
#pragma once
#include <atomic>
#include <thread>

#include "common.h"

constexpr int kPages = 2048, kPageInts = 1024;

static int* pages;  // each with a copy of its own that has yet to read it

template <int kValue>  // code of its own for each
static void touch(int page) {
  *(volatile int*)(pages + page * kPageInts) = kValue;
}
// At the same time as another thread.
template <int kValue>
static void touch_together(std::atomic<int>& here) {
  for (int i = 0; i < kPages; i++) {
    const int arrived = ++here;
    while (here < (arrived + 1) / 2 * 2) continue;
    touch<kValue>(i);
  }
}

static void host_threads() {
  static std::atomic<int> here{0};
  if (is("touch_together") || is("touch_beside_cooperative")) {
    int* device = device_array<int>(kPages * kPageInts);
    CK(cudaMallocHost(&pages, kPages * kPageInts * 4));
    for (int i = 0; i < kPages; i++) upload(device, pages + i * kPageInts, t, kPageInts * 4);
  }
  if (is("touch_together")) {  // a host function, and another thread: each page is reported once
    CK(cudaLaunchHostFunc(
        s, [](void*) { touch_together<2>(here); }, nullptr));
    std::thread other([] { touch_together<3>(here); });
    CK(cudaStreamSynchronize(s));
    other.join();
    CK(cudaDeviceSynchronize());
  }
  if (is("touch_beside_cooperative")) {
    std::atomic<bool> done{false};
    std::thread other([&] {
      for (int i = 0; i < kPages; i++) touch<2>(i);
      done = true;
    });
    int value = 1, count = 32;
    void* args[] = {&a, &value, &count};
    while (!done) {
      CK(cudaLaunchCooperativeKernel((void*)set, 1, 32, args, 0, s));
      CK(cudaStreamSynchronize(s));
    }
    other.join();
    CK(cudaDeviceSynchronize());
  }
}
