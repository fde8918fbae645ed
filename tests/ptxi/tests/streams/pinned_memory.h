// The host and pinned or registered memory that copies have yet to read or write.
#pragma once
#include <csetjmp>
#include <csignal>
#include <sys/mman.h>
#include <unistd.h>

#include "common.h"

static void pinned_reads() {
  if (is("read_early") || is("read_not_ready") || is("ok_read")) {
    set_on(s, a, 7);
    download(pinned, a, s);
    CK(cudaEventRecord(event, s));
    if (is("read_not_ready")) print("query", cudaEventQuery(event));
    if (is("ok_read"))
      while (cudaEventQuery(event) == cudaErrorNotReady) printf("not ready\n");
    result(pinned[kCount - 1], 7);
  }
  if (is("own_handler") || is("own_handler_fault")) {  // of a program, which need not know of ptxi's
    signal(SIGSEGV, [](int) {
      printf("own handler\n");
      fflush(stdout);
      signal(SIGSEGV, SIG_DFL);
      raise(SIGSEGV);
    });
    download(pinned, a, s);
    if (is("own_handler_fault")) *(volatile int*)nullptr = 1;
    result(pinned[kCount - 1], 0);
  }
}

static sigjmp_buf g_recovery;
static void recover(int) {
  siglongjmp(g_recovery, 1);
}
static struct sigaction g_first_handler;
static void ask_the_first(int signal, siginfo_t* info, void* context) {
  printf("second handler\n");
  g_first_handler.sa_sigaction(signal, info, context);
}
static void write_null() {
  if (!sigsetjmp(g_recovery, 1)) *(volatile int*)nullptr = 1;
}

static void overflow_stack(volatile char* before) {
  volatile char frame[4096];
  frame[0] = before ? before[0] : 0;
  overflow_stack(frame);
  frame[1] = frame[0];
}
static void caught(int) {
  static const char text[] = "caught\n";
  _exit(write(1, text, sizeof text - 1) < 0);
}

static void own_handlers() {
  if (is("stack_overflow")) {  // caught on another stack, by a handler from before ptxi's
    static char stack[1 << 16];
    const stack_t other = {stack, 0, sizeof stack};
    sigaltstack(&other, nullptr);
    struct sigaction own = {};
    own.sa_handler = caught;
    own.sa_flags = SA_ONSTACK;
    sigaction(SIGSEGV, &own, nullptr);
    download(pinned, a, s);
    overflow_stack(nullptr);
  }
  if (is("ok_recovery")) {  // again and again, whenever ptxi's handler was installed
    signal(SIGSEGV, recover);
    for (int i = 0; i < 4; i++) {
      set_on(s, a, i);
      download(pinned, a, s);
      write_null();
      write_null();
      CK(cudaStreamSynchronize(s));
      result(pinned[kCount - 1], i);
    }
  }
  if (is("own_handlers")) {  // one asks the one before, which is ptxi's, which asks the one before
    signal(SIGSEGV, recover);
    upload(a, pinned, t);
    struct sigaction second = {};
    second.sa_sigaction = ask_the_first;
    second.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGSEGV, &second, &g_first_handler);
    for (int i = 0; i < 3; i++) {
      download(other_pinned, b, s);
      write_null();
    }
    CK(cudaDeviceSynchronize());
    printf("recovered\n");
  }
}

static void upload_after_kernel(int* host, cudaStream_t stream) {
  add<<<1, 1, 0, stream>>>(b + 100, host + 100, 1);
  upload(a, host, stream, 64);
  host[is("ok_kernel_part") ? 16 : 15] = 2;
  CK(cudaStreamSynchronize(stream));
}

static void pinned_writes() {
  if (is("overwrite")) {
    upload(a, pinned, s);
    fill(pinned, 2);
    result(last(a), 1);
  }
  if (is("overwrite_twice")) {  // what two copies need, and then what the second still does
    upload(a, pinned, s);
    upload(b, pinned, t);
    pinned[0] = 2;
    CK(cudaStreamSynchronize(s));
    pinned[0] = 3;
    CK(cudaStreamSynchronize(t));
  }
  if (is("overwrite_part")) {  // the rest of its page may be written
    upload(a, pinned, s, 64);
    pinned[16] = 2;
    pinned[15] = 3;
    CK(cudaStreamSynchronize(s));
  }
  if (is("overwrite_registered") || is("unregister")) {
    std::vector<int> v(kCount, 1);
    CK(cudaHostRegister(v.data(), kBytes, 0));
    upload(a, v.data(), s);
    if (is("unregister")) CK(cudaHostUnregister(v.data()));
    v[5] = 2;
    CK(cudaStreamSynchronize(s));
  }
  if (is("ok_unregister_inside")) {
    std::vector<int> v(kCount, 1);
    CK(cudaHostRegister(v.data(), kBytes, 0));
    upload(a, v.data(), s);
    EXPECT(cudaHostUnregister(v.data() + 1024), cudaErrorHostMemoryNotRegistered);
    result(last(a), 1);
    CK(cudaHostUnregister(v.data()));
  }
  if (is("overwrite_before_download") ||
      is("ok_download_part")) {  // which writes a part of what is read then
    set_on(s, a, 7);
    download(pinned, a, s, 4);
    upload(b, pinned, s, 64);
    pinned[is("ok_download_part") ? 16 : 15] = 2;
    result(last(b), 0);
  }
  if (is("overwrite_between_downloads") || is("overwrite_after_download")) {  // of the same bytes
    download(pinned, a, s, 64);
    CK(cudaEventRecord(event, s));
    if (is("overwrite_between_downloads")) download(pinned, a, s, 64);
    upload(b, pinned, s, 64);
    CK(cudaEventSynchronize(event));
    pinned[15] = 2;
    CK(cudaStreamSynchronize(s));
  }
  if (is("overwrite_before_kernel") || is("ok_kernel_part")) {  // which touches another part
    upload_after_kernel(pinned, s);
  }
  if (is("overwrite_registered_before_kernel")) {
    std::vector<int> v(kCount, 1);
    CK(cudaHostRegister(v.data(), kBytes, 0));
    upload_after_kernel(v.data(), s);
    CK(cudaHostUnregister(v.data()));
  }
  if (is("overwrite_graph")) {
    begin_capture(s);
    upload(a, pinned, s);
    cudaGraphExec_t exec = end_capture(s);
    fill(pinned, 2);
    CK(cudaGraphLaunch(exec, s));
    pinned[0] = 3;
    CK(cudaStreamSynchronize(s));
  }
}

__global__ void touch_from_block_2(int* x, int* out) {
  int v = blockIdx.x;
  for (int i = 0; i < 3000; i++) v = v * 3 + i;
  out[threadIdx.x] = v;
  if (blockIdx.x == 2) x[threadIdx.x] = v;
}

// Memory that is unmapped when it is freed.
constexpr size_t kMuch = 64 << 20;
static int* much() {
  return (int*)mmap(nullptr, kMuch, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void freed_before_work() {
  if (is("copy_of_freed")) {
    CK(cudaFreeHost(pinned));
    upload(a, pinned, s);
  }
  if (is("graph_of_freed") || is("graph_of_unmapped")) {
    int *p = is("graph_of_freed") ? pinned : much(), *d;
    CK(cudaMalloc(&d, kMuch));
    begin_capture(s);
    upload(d, p, s, p == pinned ? kBytes : kMuch);
    cudaGraphExec_t exec = end_capture(s);
    if (p == pinned)
      CK(cudaFreeHost(p));
    else
      munmap(p, kMuch);
    CK(cudaGraphLaunch(exec, s));
    CK(cudaStreamSynchronize(s));
  }
  if (is("helper_faults")) {  // a thread that helps with a launch
    int* p = much();
    CK(cudaHostRegister(p, kMuch, 0));
    upload(b, pinned, s);
    touch_from_block_2<<<64, kThreads, 0, s>>>(p, a);
    munmap(p, kMuch);
    CK(cudaStreamSynchronize(s));
  }
}

static void pinned_frees() {
  if (is("free_host")) {
    int* p;
    CK(cudaMallocHost(&p, kBytes));
    upload(a, p, s);
    CK(cudaFreeHost(p));
    EXPECT(cudaFreeHost(p), cudaErrorInvalidValue);
  }
  if (is("pinned_too_much")) {
    void* p;
    EXPECT(cudaMallocHost(&p, 1ull << 46), cudaErrorMemoryAllocation);
  }
  if (is("free_registered")) {  // memory so large that the C library unmaps it
    int *p = (int*)calloc(1, 64 << 20), *d;
    CK(cudaMalloc(&d, 64 << 20));
    CK(cudaHostRegister(p, 64 << 20, 0));
    upload(d, p, s, 64 << 20);
    free(p);
    CK(cudaStreamSynchronize(s));
  }
}

static void legal_pinned() {
  if (is("ok_neighbours")) {
    upload(a, pinned, s, 64);
    download(pinned + 32, b, s, 64);
    pinned[16] = 2;
    printf("%d\n", pinned[17]);
    CK(cudaStreamSynchronize(s));
  }
  if (is("ok_through_pinned")) {  // there and back through the same buffer
    set_on(s, a, 5);
    download(pinned, a, s);
    upload(b, pinned, s);
    set_on(s, a, 6);
    download(pinned, a, s);
    result(last(b) + pinned[0], 11);
  }
  if (is("ok_mapped")) {  // a kernel writes pinned memory that a copy after it reads
    set_on(s, pinned, 4);
    upload(a, pinned, s);
    result(last(a), 4);
  }
  if (is("ok_buffers")) {  // two buffers in turn, each filled again once its copy is done
    int* host[] = {pinned, other_pinned};
    cudaEvent_t taken[2];
    for (cudaEvent_t& e : taken) CK(cudaEventCreateWithFlags(&e, cudaEventDisableTiming));
    for (int i = 0; i < 6; i++) {
      CK(cudaEventSynchronize(taken[i % 2]));
      fill(host[i % 2], i);
      upload(b, host[i % 2], t);
      CK(cudaEventRecord(taken[i % 2], t));
      CK(cudaStreamWaitEvent(s, taken[i % 2]));
      add_on(s, a, b);
      order(s, t);
    }
    result(last(a), 15);
  }
}
