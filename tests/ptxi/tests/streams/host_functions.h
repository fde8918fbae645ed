// Host functions of streams, and memory of the host that copies around them need.
#pragma once
#include <atomic>
#include <cuda_profiler_api.h>
#include <sys/mman.h>
#include <thread>

#include "common.h"

static std::atomic<bool> g_idle{false};
static void wait_until_idle(void*) {
  for (int i = 0; i < 1 << 28 && !g_idle; i++) continue;
  result(g_idle, true);
}
static void nothing(void*) {}
static void fill_pinned(void* v) {
  fill(pinned, *(int*)v);
}
static void synchronize(void*) {
  print("inside", cudaStreamSynchronize(t));
}
static void CUDART_CB synchronize_back(cudaStream_t, cudaError_t, void* v) {
  synchronize(v);
}
static void CUDART_CB fill_back(cudaStream_t, cudaError_t, void* v) {
  fill_pinned(v);
}

// What it calls is refused, whatever it is.
static void call_much(void*) {
#define REFUSED(call) EXPECT(call, cudaErrorNotPermitted)
  int n;
  size_t bytes;
  void* p;
  cudaMemPool_t pool;
  cudaGraph_t graph;
  cudaDeviceProp properties;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
  const cudaMemLocation here = {cudaMemLocationTypeDevice, 0};
  const cudaMemPoolProps of_pool = {};
  REFUSED(cudaDeviceReset());
  REFUSED(cudaProfilerStart());
  REFUSED(cudaProfilerStop());
  REFUSED(cudaGetDevice(&n));
  REFUSED(cudaSetDevice(0));
  REFUSED(cudaGetDeviceCount(&n));
  REFUSED(cudaGetDeviceProperties(&properties, 0));
  REFUSED(cudaDeviceGetAttribute(&n, cudaDevAttrWarpSize, 0));
  REFUSED(cudaDeviceSetLimit(cudaLimitStackSize, 1024));
  REFUSED(cudaDeviceGetLimit(&bytes, cudaLimitStackSize));
  REFUSED(cudaMemPoolCreate(&pool, &of_pool));
  REFUSED(cudaDeviceGetDefaultMemPool(&pool, 0));
  REFUSED(cudaDeviceSetMemPool(0, nullptr));
  REFUSED(cudaStreamEndCapture(s, &graph));
  REFUSED(cudaThreadExchangeStreamCaptureMode(&mode));
  REFUSED(cudaStreamSetAttribute(s, cudaStreamAttrID{}, nullptr));
  REFUSED(cudaMemPrefetchAsync(a, 4, here, 0, s));
  REFUSED(cudaMemAdvise(a, 4, cudaMemAdviseSetReadMostly, here));
  REFUSED(cudaFuncSetCacheConfig(set, cudaFuncCachePreferL1));
  REFUSED(cudaMalloc(&p, 4));
  REFUSED(cudaMallocManaged(&p, 4));
#undef REFUSED
}

static std::atomic<bool> g_may_touch{false}, g_touched{false};
static void wait_for_touch(void*) {
  g_may_touch = true;
  while (!g_touched) std::this_thread::yield();
}
static void touch() {
  while (!g_may_touch) std::this_thread::yield();
  ++*(volatile int*)pinned;
  g_touched = true;
}

static void host_functions() {
  if (is("function_waits_for_touch")) {  // of what another stream has yet to read
    upload(a, pinned, t);
    std::thread toucher(touch);
    CK(cudaLaunchHostFunc(s, wait_for_touch, nullptr));
    CK(cudaStreamSynchronize(s));
    toucher.join();
    CK(cudaStreamSynchronize(t));
  }
  if (is("function_frees")) {  // what a copy after it and another function needs
    static int* p = (int*)mmap(nullptr, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CK(cudaHostRegister(p, 64 << 20, 0));
    CK(cudaLaunchHostFunc(
        s, [](void*) { munmap(p, 64 << 20); }, nullptr));
    CK(cudaEventRecord(event, s));
    CK(cudaLaunchHostFunc(s, nothing, nullptr));
    upload(a, p, s);
    CK(cudaEventSynchronize(event));
    CK(cudaStreamSynchronize(s));
  }
  if (is("ok_host_function") || is("ok_callback")) {  // they may touch what copies before and after them use
    static int nine = 9;
    upload(b, pinned, s);
    if (is("ok_callback"))
      CK(cudaStreamAddCallback(s, fill_back, &nine, 0));
    else
      CK(cudaLaunchHostFunc(s, fill_pinned, &nine));
    upload(a, pinned, s);
    result(last(a) + last(b), 10);
  }
  if (is("ok_host_functions")) {  // each fills what the copy after it reads
    static int two = 2, three = 3;
    CK(cudaLaunchHostFunc(s, fill_pinned, &two));
    upload(a, pinned, s);
    CK(cudaLaunchHostFunc(s, fill_pinned, &three));
    upload(b, pinned, s, 64);
    upload(b, pinned, s);
    result(last(a) + 10 * last(b), 32);
  }
  if (is("ok_function_waits")) {  // for what the host does once another stream is idle
    CK(cudaLaunchHostFunc(t, wait_until_idle, nullptr));
    upload(b, pinned, t);
    for (int i = 0; i < 4; i++) {
      set_on(s, a, i);
      CK(cudaStreamSynchronize(s));
    }
    g_idle = true;
    CK(cudaStreamSynchronize(t));
  }
  if (is("function_calls_much")) {
    CK(cudaLaunchHostFunc(s, call_much, nullptr));
    CK(cudaStreamSynchronize(s));
  }
  if (is("ok_function_waits_for_thread")) {  // which makes calls that touch nothing
    static std::atomic<bool> begun, done;
    std::thread other([] {
      while (!begun) std::this_thread::yield();
      int device;
      CK(cudaSetDevice(0));
      CK(cudaGetDevice(&device));
      done = true;
    });
    CK(cudaLaunchHostFunc(
        s,
        [](void*) {
          begun = true;
          while (!done) std::this_thread::yield();
        },
        nullptr));
    CK(cudaStreamSynchronize(s));
    other.join();
    result(done, true);
  }
  if (is("ok_function_throws")) {  // afterwards the host may call the runtime
    bool caught = false;
    try {
      cudaLaunchHostFunc(
          s, [](void*) { throw 1; }, nullptr);
      cudaStreamSynchronize(s);
    } catch (int) {
      caught = true;
    }
    set_on(s, a, 2);
    result(last(a) + caught, 3);
  }
  if (is("function_calls") || is("callback_calls")) {
    if (is("function_calls"))
      CK(cudaLaunchHostFunc(s, synchronize, nullptr));
    else
      CK(cudaStreamAddCallback(s, synchronize_back, nullptr, 0));
    CK(cudaStreamSynchronize(s));
    CK(cudaStreamSynchronize(t));  // the host itself may, afterwards
  }
  if (is("function_of_fault")) {  // after a fault nothing is done, and nothing was overwritten
    static int two = 2;
    set_on(s, nullptr, 1);
    CK(cudaLaunchHostFunc(s, fill_pinned, &two));
    upload(a, pinned, s);
    cudaStreamSynchronize(s);
  }
  if (is("host_function_race")) {
    static int nine = 9;
    upload(a, pinned, s);
    CK(cudaLaunchHostFunc(t, fill_pinned, &nine));
    result(last(a), 1);
  }
}

static void host_after_functions() {
  if (is("function_then_overwrite")) {  // only the function itself may touch what the copy needs
    CK(cudaLaunchHostFunc(s, nothing, nullptr));
    upload(a, pinned, s);
    fill(pinned, 2);
    result(last(a), 1);
  }
  if (is("function_then_read")) {
    set_on(s, a, 7);
    CK(cudaLaunchHostFunc(s, nothing, nullptr));
    download(pinned, a, s);
    result(pinned[kCount - 1], 7);
  }
  if (is("overwrite_before_function") || is("overwrite_between_functions")) {  // too little for the pages
    const bool between = is("overwrite_between_functions");
    if (between) CK(cudaLaunchHostFunc(t, nothing, nullptr));
    if (between) CK(cudaEventRecord(event, t));
    if (between) CK(cudaStreamWaitEvent(s, event, 0));
    CK(cudaLaunchHostFunc(s, nothing, nullptr));
    upload(a, pinned, s, 64);
    if (between) CK(cudaEventSynchronize(event));
    pinned[0] = 2;
    CK(cudaStreamSynchronize(s));
  }
  if (is("overwrite_after_function")) {  // too little for the pages
    CK(cudaLaunchHostFunc(s, nothing, nullptr));
    CK(cudaEventRecord(event, s));
    upload(a, pinned, s, 64);
    CK(cudaEventSynchronize(event));
    pinned[0] = 2;
    CK(cudaStreamSynchronize(s));
  }
}
