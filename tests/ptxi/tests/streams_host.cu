// Late streams and memory of the host: planted bugs, which must be reported or give a wrong result, and legal
// programs (ok_...), which must do neither.
#include <csignal>

#include "streams.h"

static void nothing(void*) {}
static void fill_pinned(void* v) {
  fill(pinned, *(int*)v);
}
static void synchronize(void*) {
  printf("inside: %s\n", cudaGetErrorName(cudaStreamSynchronize(t)));
}
static void CUDART_CB synchronize_back(cudaStream_t, cudaError_t, void* v) {
  synchronize(v);
}
static void CUDART_CB fill_back(cudaStream_t, cudaError_t, void* v) {
  fill_pinned(v);
}

static void pinned_memory() {
  fill(pinned, 1);
  if (is("read_early") || is("read_not_ready") || is("ok_read")) {
    set_on(s, a, 7);
    download(pinned, a, s);
    CK(cudaEventRecord(event, s));
    if (is("read_not_ready")) printf("query: %s\n", cudaGetErrorName(cudaEventQuery(event)));
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
    CK(cudaMemcpyAsync(a, pinned, 64, cudaMemcpyHostToDevice, s));
    pinned[16] = 2;
    pinned[15] = 3;
    CK(cudaStreamSynchronize(s));
  }
  if (is("ok_neighbours")) {
    CK(cudaMemcpyAsync(a, pinned, 64, cudaMemcpyHostToDevice, s));
    CK(cudaMemcpyAsync(pinned + 32, b, 64, cudaMemcpyDeviceToHost, s));
    pinned[16] = 2;
    printf("%d\n", pinned[17]);
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
  if (is("free_host")) {
    int* p;
    CK(cudaMallocHost(&p, kBytes));
    upload(a, p, s);
    CK(cudaFreeHost(p));
  }
  if (is("free_registered")) {  // memory so large that the C library unmaps it
    int *p = (int*)calloc(1, 64 << 20), *d;
    CK(cudaMalloc(&d, 64 << 20));
    CK(cudaHostRegister(p, 64 << 20, 0));
    CK(cudaMemcpyAsync(d, p, 64 << 20, cudaMemcpyHostToDevice, s));
    free(p);
    CK(cudaStreamSynchronize(s));
  }
  if (is("overwrite_graph")) {
    CK(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal));
    upload(a, pinned, s);
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    CK(cudaStreamEndCapture(s, &graph));
    CK(cudaGraphInstantiate(&exec, graph, 0));
    fill(pinned, 2);
    CK(cudaGraphLaunch(exec, s));
    pinned[0] = 3;
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
  if (is("function_calls") || is("callback_calls")) {
    if (is("function_calls"))
      CK(cudaLaunchHostFunc(s, synchronize, nullptr));
    else
      CK(cudaStreamAddCallback(s, synchronize_back, nullptr, 0));
    CK(cudaStreamSynchronize(s));
    CK(cudaStreamSynchronize(t));  // the host itself may, afterwards
  }
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
  if (is("overwrite_after_function")) {  // too little for the pages
    CK(cudaLaunchHostFunc(s, nothing, nullptr));
    CK(cudaEventRecord(event, s));
    CK(cudaMemcpyAsync(a, pinned, 64, cudaMemcpyHostToDevice, s));
    CK(cudaEventSynchronize(event));
    pinned[0] = 2;
    CK(cudaStreamSynchronize(s));
  }
  if (is("ok_host_functions")) {  // each fills what the copy after it reads
    static int two = 2, three = 3;
    CK(cudaLaunchHostFunc(s, fill_pinned, &two));
    upload(a, pinned, s);
    CK(cudaLaunchHostFunc(s, fill_pinned, &three));
    CK(cudaMemcpyAsync(b, pinned, 64, cudaMemcpyHostToDevice, s));
    upload(b, pinned, s);
    result(last(a) + 10 * last(b), 32);
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
      add<<<kBlocks, kThreads, 0, s>>>(a, b, kCount);
      order(s, t);
    }
    result(last(a), 15);
  }
}

// Pageable memory: a copy is done with it when the call returns or, with PTXI_STREAMS=latest, need not be.
static void pageable_memory() {
  std::vector<int> host(kCount, 1);
  if (is("pageable_overwrite")) {
    upload(a, host.data(), s);
    host[kCount - 1] = 2;
    result(last(a), 1);
  }
  if (is("pageable_read") || is("ok_pageable_read")) {
    set_on(s, a, 7);
    download(host.data(), a, s);
    if (is("ok_pageable_read")) CK(cudaStreamSynchronize(s));
    result(host[kCount - 1], 7);
    CK(cudaStreamSynchronize(s));
  }
  if (is("pageable_free_source") || is("pageable_free_destination")) {
    int *p = (int*)calloc(1, 64 << 20), *d;
    CK(cudaMalloc(&d, 64 << 20));
    if (is("pageable_free_source"))
      CK(cudaMemcpyAsync(d, p, 64 << 20, cudaMemcpyHostToDevice, s));
    else
      CK(cudaMemcpyAsync(p, d, 64 << 20, cudaMemcpyDeviceToHost, s));
    free(p);
    CK(cudaStreamSynchronize(s));
    result(0, 0);
  }
  if (is("ok_through_pageable")) {  // there and back through the same buffer
    set_on(s, a, 5);
    download(host.data(), a, s);
    upload(b, host.data(), s);
    result(last(b), 5);
  }
  if (is("ok_pageable_function")) {  // a host function fills what a copy after it reads
    CK(cudaLaunchHostFunc(
        s, [](void* p) { fill((int*)p, 9); }, host.data()));
    upload(a, host.data(), s);
    result(last(a), 9);
  }
}

int main(int, char** argv) {
  setup(argv[1]);
  pinned_memory();
  pageable_memory();
  return g_failed;
}
