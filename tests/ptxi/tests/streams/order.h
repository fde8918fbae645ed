// Streams among each other, the default stream, branches of graphs: a wait is missing or in the wrong place.
#pragma once
#include <thread>

#include "common.h"

static void waits() {
  if (is("missing_wait") || is("ok_wait")) {  // t reads what s writes
    set_on(s, a, 3);
    if (is("ok_wait")) order(s, t);
    add_on(t, b, a);
    CK(cudaStreamSynchronize(t));
    result(last(b), 3);
  }
  if (is("missing_wait_device")) {  // and the host waits for both
    set_on(s, a, 3);
    add_on(t, b, a);
    result(last(b), 3);
  }
  if (is("missing_wait_synced") || is("ok_wait_synced")) {  // one after the other
    set_on(s, a, 3);
    if (is("ok_wait_synced")) order(s, t);
    add_on(t, b, a);
    CK(cudaStreamSynchronize(s));
    CK(cudaStreamSynchronize(t));
    result(last(b), 3);
  }
  if (is("missing_wait_back") || is("ok_wait_back")) {  // t writes what s has yet to read
    add_on(s, b, a);
    if (is("ok_wait_back")) order(s, t);
    set_on(t, a, 3);
    result(last(b), 0);
  }
  if (is("wait_too_early")) {  // the event is recorded before the work
    CK(cudaEventRecord(event, s));
    set_on(s, a, 3);
    CK(cudaStreamWaitEvent(t, event));
    add_on(t, b, a);
    result(last(b), 3);
  }
}

static void default_stream() {
  if (is("default_stream") || is("ok_default_stream")) {  // a non-blocking stream does not wait for it
    set_on(0, a, 3);
    add_on(is("default_stream") ? t : blocking, b, a);
    result(last(b), 3);
  }
  if (is("default_stream_queried")) {  // two streams that it waits for, without an order
    cudaStream_t other;
    CK(cudaStreamCreate(&other));
    set_on(blocking, a, 2);
    set_on(other, a, 3);
    while (cudaStreamQuery(0) == cudaErrorNotReady) continue;
    result(last(a), 3);
  }
  if (is("ok_default_stream_waits")) {
    set_on(blocking, a, 3);
    CK(cudaMemcpy(b, a, kBytes, cudaMemcpyDeviceToDevice));
    result(last(b), 3);
  }
  if (is("upload_in_flight") || is("ok_upload_in_flight")) {  // though cudaMemcpy has returned
    std::vector<int> host(kCount, 3);
    CK(cudaMemcpy(a, host.data(), kBytes, cudaMemcpyHostToDevice));
    if (is("ok_upload_in_flight")) CK(cudaStreamSynchronize(0));
    add_on(t, b, a);
    result(last(b), 3);
  }
  if (is("fill_in_flight")) {
    CK(cudaMemset(a, 1, kBytes));
    add_on(t, b, a);
    result(last(b), 0x01010101);
  }
  if (is("ok_pinned_upload")) {  // is done when cudaMemcpy returns
    fill(pinned, 3);
    CK(cudaMemcpy(a, pinned, kBytes, cudaMemcpyHostToDevice));
    fill(pinned, 4);
    add_on(t, b, a);
    result(last(b), 3);
  }
  if (is("nothing_copied")) {  // waits for nothing
    set_on(s, a, 3);
    download(pinned, a, s);
    int v;
    download(&v, a, s, 0);
    result(pinned[0], 3);
  }
  if (is("ok_destroyed")) {  // the work of a destroyed stream goes on, and the default stream waits for it
    cudaStream_t gone;
    CK(cudaStreamCreate(&gone));
    set_on(gone, a, 3);
    CK(cudaStreamDestroy(gone));
    CK(cudaMemcpy(b, a, kBytes, cudaMemcpyDeviceToDevice));
    result(last(b), 3);
  }
  if (is("ok_destroyed_upload")) {  // also for an upload of pageable memory
    std::vector<int> host(kCount, 5);
    cudaStream_t gone;
    CK(cudaStreamCreate(&gone));
    set_on(gone, a, 3);
    CK(cudaStreamDestroy(gone));
    upload(a, host.data(), 0);
    result(last(a), 5);
  }
}

static void thread_streams() {
  if (is("thread_streams") || is("ok_thread_streams")) {  // each thread has one of its own
    std::thread([] {
      set_on(cudaStreamPerThread, a, 3);
      CK(cudaEventRecord(event, cudaStreamPerThread));
    }).join();
    if (is("ok_thread_streams")) CK(cudaStreamWaitEvent(cudaStreamPerThread, event));
    add_on(cudaStreamPerThread, b, a);
    result(last(b), 3);
  }
  if (is("ok_thread_ends")) {  // the work of its stream goes on, and the default stream waits for it
    std::thread([] { set_on(cudaStreamPerThread, a, 3); }).join();
    CK(cudaMemcpy(b, a, kBytes, cudaMemcpyDeviceToDevice));
    result(last(b), 3);
  }
}

// What follows a graph that is launched in a capture reads what another branch writes.
static void graphs_in_graphs() {
  if (!is("child_missing_wait") && !is("ok_child")) return;
  begin_capture(s);
  set_on(s, pinned, 5);
  cudaGraphExec_t child = end_capture(s);
  begin_capture(s);
  order(s, t);
  set_on(t, a, 3);
  CK(cudaGraphLaunch(child, s));
  if (is("ok_child")) order(t, s);
  add_on(s, b, a);
  order(t, s);
  CK(cudaGraphLaunch(end_capture(s), t));
  result(last(b) + pinned[0], 8);
}

// Two branches, of which the second reads what the first writes.
static void graphs() {
  if (!is("graph_missing_wait") && !is("ok_graph")) return;
  begin_capture(s);
  order(s, t);
  set_on(s, a, 3);
  if (is("ok_graph")) order(s, t);
  add_on(t, b, a);
  order(t, s);
  cudaGraphExec_t exec = end_capture(s);
  set_on(s, b, 10);
  CK(cudaGraphLaunch(exec, s));
  CK(cudaGraphLaunch(exec, t));  // waits for the first, being of the same graph
  result(last(b), 16);
}
