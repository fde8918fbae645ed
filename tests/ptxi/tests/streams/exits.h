// The end of the process: static destructors, threads that go on, children.
#pragma once
#include <cstdlib>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "common.h"

// Instructions of many kinds, none decoded before the end: eight in each element.
__global__ void count_eight(float* x, int n) {
  const int i = threadIdx.x;
  if (i >= n) return;
  atomicAdd(x + i, __fadd_rd(1.5f, 1.5f));
  __threadfence();
  atomicAdd(x + i, (float)__float2int_rz(5.5f));
}

// Allocations of many sizes, which find out whether the heap is as it should be.
static void churn() {
  std::vector<std::vector<char>> blocks;
  for (size_t size = 16; size < 1024; size += 16) blocks.insert(blocks.end(), 3, std::vector<char>(size, 1));
}

// Uses the runtime from a static destructor.
static struct InDestructor {
  float* x = nullptr;
  ~InDestructor() {
    if (!x) return;
    float last = 0, *y = nullptr;
    cudaStream_t stream;
    CK(cudaStreamCreate(&stream));
    CK(cudaMemset(x, 0, 128));
    for (cudaStream_t each : {stream, cudaStreamPerThread}) {
      churn();
      begin_capture(each);
      count_eight<<<1, 32, 0, each>>>(x, 32);
      CK(cudaGraphLaunch(end_capture(each), each));
      CK(cudaStreamSynchronize(each));
      churn();
    }
    CK(cudaMallocAsync(&y, 128, stream));
    CK(cudaMemcpyAsync(y, x, 128, cudaMemcpyDeviceToDevice, stream));
    CK(cudaEventRecord(event, stream));
    CK(cudaEventSynchronize(event));
    CK(cudaMemcpy(&last, y + 31, 4, cudaMemcpyDeviceToHost));
    CK(cudaFree(y));
    CK(cudaFree(x));
    CK(cudaStreamDestroy(stream));
    result((int)last, 16);
  }
} in_destructor;

// At the very end: what was registered before the runtime was loaded is called after all of its own.
static bool g_stay = false;
static void stay(int, void*) {
  if (g_stay) usleep(50000);
}
static void stay_at_exit() {
  on_exit(stay, nullptr);
}
__attribute__((section(".preinit_array"), used)) static void (*const register_stay)() = stay_at_exit;

static void work_for_ever() {
  int* own = device_array<int>(kCount);
  for (;;) {
    cudaStream_t stream;
    cudaEvent_t done;
    int *x, *host;
    CK(cudaStreamCreate(&stream));
    CK(cudaEventCreate(&done));
    CK(cudaMallocAsync(&x, kBytes, stream));
    CK(cudaMallocHost(&host, kBytes));
    set_on(stream, x, 1);
    set_on(cudaStreamPerThread, own, 1);
    download(host, x, stream);
    CK(cudaEventRecord(done, stream));
    CK(cudaEventSynchronize(done));
    CK(cudaStreamSynchronize(cudaStreamPerThread));
    CK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    set_on(stream, x, 1);
    CK(cudaGraphExecDestroy(end_capture(stream)));
    CK(cudaFreeAsync(x, stream));
    CK(cudaEventDestroy(done));
    CK(cudaStreamDestroy(stream));
    CK(cudaFreeHost(host));
  }
}

// It ends at once, and what its parent did is nothing of its own.
static void fork_child() {
  fflush(stdout);
  const pid_t child = fork();
  if (!child) exit(0);
  int status;
  waitpid(child, &status, 0);
  result(status, 0);
}

static void exits() {
  if (is("ok_destructor")) {
    set_on(cudaStreamPerThread, a, 1);
    CK(cudaStreamSynchronize(cudaStreamPerThread));
    in_destructor.x = device_array<float>(32);
  }
  if (is("threads_at_exit")) {
    for (int i = 0; i < 4; i++) std::thread(work_for_ever).detach();
    usleep(20000);
    g_stay = true;
  }
  if (is("ok_fork")) {  // what its parent has queued is not its own
    set_on(s, a, 1);
    fork_child();
    CK(cudaStreamSynchronize(s));
  }
  if (is("child_of_reported")) {
    pinned[0] = 2;
    upload(a, pinned, s);
    pinned[0] = 3;
    CK(cudaStreamSynchronize(s));
    fork_child();
  }
}
