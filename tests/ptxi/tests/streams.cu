// Late streams among each other: planted bugs, which must be reported or give a wrong result, and legal
// programs (ok_...), which must do neither.
#include <atomic>

#include "streams.h"

__global__ void out_of_bounds(int* x) {
  x[1 << 20] = 1;
}
static std::atomic<bool> g_idle{false};
static void wait_until_idle(void*) {
  for (int i = 0; i < 1 << 28 && !g_idle; i++) continue;
  result(g_idle, true);
}
static int* from_pool(cudaStream_t stream) {
  int* p;
  CK(cudaMallocAsync(&p, kBytes, stream));
  return p;
}

// Streams among each other.
static void streams() {
  if (is("missing_wait") || is("ok_wait")) {  // t reads what s writes
    set_on(s, a, 3);
    if (is("ok_wait")) order(s, t);
    add<<<kBlocks, kThreads, 0, t>>>(b, a, kCount);
    CK(cudaStreamSynchronize(t));
    result(last(b), 3);
  }
  if (is("missing_wait_device")) {  // and the host waits for both
    set_on(s, a, 3);
    add<<<kBlocks, kThreads, 0, t>>>(b, a, kCount);
    result(last(b), 3);
  }
  if (is("missing_wait_synced") || is("ok_wait_synced")) {  // one after the other
    set_on(s, a, 3);
    if (is("ok_wait_synced")) order(s, t);
    add<<<kBlocks, kThreads, 0, t>>>(b, a, kCount);
    CK(cudaStreamSynchronize(s));
    CK(cudaStreamSynchronize(t));
    result(last(b), 3);
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
  if (is("missing_wait_back") || is("ok_wait_back")) {  // t writes what s has yet to read
    add<<<kBlocks, kThreads, 0, s>>>(b, a, kCount);
    if (is("ok_wait_back")) order(s, t);
    set_on(t, a, 3);
    result(last(b), 0);
  }
  if (is("wait_too_early")) {  // the event is recorded before the work
    CK(cudaEventRecord(event, s));
    set_on(s, a, 3);
    CK(cudaStreamWaitEvent(t, event));
    add<<<kBlocks, kThreads, 0, t>>>(b, a, kCount);
    result(last(b), 3);
  }
  if (is("default_stream") || is("ok_default_stream")) {  // a non-blocking stream does not wait for it
    set<<<kBlocks, kThreads>>>(a, 3, kCount);
    add<<<kBlocks, kThreads, 0, is("default_stream") ? t : blocking>>>(b, a, kCount);
    result(last(b), 3);
  }
  if (is("ok_default_stream_waits")) {
    set_on(blocking, a, 3);
    CK(cudaMemcpy(b, a, kBytes, cudaMemcpyDeviceToDevice));
    result(last(b), 3);
  }
  if (is("upload_in_flight") ||
      is("ok_upload_in_flight")) {  // cudaMemcpy returned, and the copy may be under way
    std::vector<int> host(kCount, 3);
    CK(cudaMemcpy(a, host.data(), kBytes, cudaMemcpyHostToDevice));
    if (is("ok_upload_in_flight")) CK(cudaStreamSynchronize(0));
    add<<<kBlocks, kThreads, 0, t>>>(b, a, kCount);
    result(last(b), 3);
  }
  if (is("fill_in_flight")) {
    CK(cudaMemset(a, 1, kBytes));
    add<<<kBlocks, kThreads, 0, t>>>(b, a, kCount);
    result(last(b), 0x01010101);
  }
  if (is("ok_pinned_upload")) {  // is done when cudaMemcpy returns
    fill(pinned, 3);
    CK(cudaMemcpy(a, pinned, kBytes, cudaMemcpyHostToDevice));
    fill(pinned, 4);
    add<<<kBlocks, kThreads, 0, t>>>(b, a, kCount);
    result(last(b), 3);
  }
  if (is("ok_destroyed")) {  // the work of a destroyed stream goes on, and the default stream waits for it
    cudaStream_t gone;
    CK(cudaStreamCreate(&gone));
    set_on(gone, a, 3);
    CK(cudaStreamDestroy(gone));
    CK(cudaMemcpy(b, a, kBytes, cudaMemcpyDeviceToDevice));
    result(last(b), 3);
  }
  if (is("fault")) {
    out_of_bounds<<<1, 1, 0, s>>>(a);
    printf("launch: %s\n", cudaGetErrorName(cudaGetLastError()));
    printf("wait: %s\n", cudaGetErrorName(cudaStreamSynchronize(s)));
  }
  if (is("unwaited") || is("unwaited_reset") || is("ok_waited")) {  // the end of a program waits for nothing
    set_on(s, a, 3);
    set_on(s, b, 3);
    if (is("ok_waited")) CK(cudaStreamSynchronize(s));
    CK(cudaMemcpyAsync(pinned, a, kBytes, cudaMemcpyDeviceToHost, t));
    if (is("ok_waited")) CK(cudaStreamSynchronize(t));
    CK(cudaEventRecord(event, s));
    if (is("unwaited_reset")) {
      CK(cudaDeviceReset());
      printf("reset\n");
    }
  }
  if (is("elapsed")) {
    cudaEvent_t end;
    CK(cudaEventCreate(&end));
    CK(cudaEventRecord(event, s));
    CK(cudaEventRecord(end, s));
    float ms;
    printf("elapsed: %s\n", cudaGetErrorName(cudaEventElapsedTime(&ms, event, end)));
    CK(cudaEventSynchronize(end));
    CK(cudaEventElapsedTime(&ms, event, end));
  }
  if (is("queries")) {  // how often each of many events is not ready
    for (int i = 0; i < 32; i++) {
      int times = 0;
      CK(cudaEventRecord(event, s));
      while (cudaEventQuery(event) == cudaErrorNotReady) times++;
      CK(cudaEventRecord(event, s));
      while (cudaStreamQuery(s) == cudaErrorNotReady) times++;
      printf("%d ", times);
    }
    printf("\n");
  }
}

// Graphs: two branches, of which the second reads what the first writes.
static void graphs() {
  if (!is("graph_missing_wait") && !is("ok_graph")) return;
  CK(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal));
  order(s, t);
  set_on(s, a, 3);
  if (is("ok_graph")) order(s, t);
  add<<<kBlocks, kThreads, 0, t>>>(b, a, kCount);
  order(t, s);
  cudaGraph_t graph;
  cudaGraphExec_t exec;
  CK(cudaStreamEndCapture(s, &graph));
  CK(cudaGraphInstantiate(&exec, graph, 0));
  set_on(s, b, 10);
  CK(cudaGraphLaunch(exec, s));
  CK(cudaGraphLaunch(exec, t));  // waits for the first, being of the same graph
  result(last(b), 16);
}

// Memory that streams allocate and free.
static void pools() {
  if (is("pool_use_before") || is("ok_pool")) {  // t uses memory of s
    int* p = from_pool(s);
    if (is("ok_pool")) order(s, t);
    set_on(t, p, 3);
    if (is("ok_pool")) order(t, s);
    CK(cudaDeviceSynchronize());
    CK(cudaFreeAsync(p, s));
    CK(cudaStreamSynchronize(s));
  }
  if (is("pool_free_before_use") || is("pool_free_unordered")) {  // s frees memory that t uses
    int* p = from_pool(s);
    order(s, t);
    set_on(t, p, 3);
    CK(cudaFreeAsync(p, s));
    if (is("pool_free_unordered")) CK(cudaStreamSynchronize(t));
    printf("wait: %s\n", cudaGetErrorName(cudaDeviceSynchronize()));
  }
  if (is("pool_use_after")) {
    int* p = from_pool(s);
    CK(cudaFreeAsync(p, s));
    set_on(s, p, 3);
    printf("wait: %s\n", cudaGetErrorName(cudaStreamSynchronize(s)));
  }
  if (is("pool_copy_after")) {
    int* p = from_pool(s);
    CK(cudaFreeAsync(p, s));
    CK(cudaMemcpyAsync(a, p, kBytes, cudaMemcpyDefault, s));
    printf("wait: %s\n", cudaGetErrorName(cudaStreamSynchronize(s)));
  }
  if (is("pool_free_by_host") || is("ok_pool_free_by_host")) {  // cudaFree does not wait for memory of a pool
    int* p = from_pool(s);
    set_on(s, p, 3);
    CK(cudaEventRecord(event, s));
    CK(cudaStreamWaitEvent(t, event));
    CK(cudaStreamSynchronize(is("pool_free_by_host") ? blocking : t));
    CK(cudaFree(p));
    printf("wait: %s\n", cudaGetErrorName(cudaDeviceSynchronize()));
  }
  if (is("free_waits")) {  // or does not, with PTXI_STREAMS=latest
    int* p;
    CK(cudaMalloc(&p, kBytes));
    set_on(s, p, 3);
    CK(cudaFree(p));
    printf("wait: %s\n", cudaGetErrorName(cudaDeviceSynchronize()));
  }
  if (is("ok_pool_full")) {  // memory whose free is under way is waited for
    for (int i = 0; i < 4; i++) {
      int* p;
      CK(cudaMallocAsync(&p, 48 << 20, s));
      CK(cudaMemsetAsync(p, 0, 48 << 20, s));
      CK(cudaFreeAsync(p, s));
    }
    CK(cudaStreamSynchronize(s));
  }
}

int main(int, char** argv) {
  setup(argv[1]);
  streams();
  graphs();
  pools();
  return g_failed;
}
