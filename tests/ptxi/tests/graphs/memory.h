// Memory that graphs allocate and free.
#pragma once
#include "common.h"

// A relaxed capture allows cudaMalloc; a graph may allocate and free.
static void memory() {
  void* p;
  int* q;
  begin(cudaStreamCaptureModeRelaxed);
  CK(cudaMalloc(&p, 16));
  CK(cudaFree(p));
  CK(cudaMallocAsync(&q, 64, s));
  CK(cudaMemsetAsync(q, 0, 64, s));
  add<<<1, 16, 0, s>>>(q, 6);
  CK(cudaMemcpyAsync(d, q, 16, cudaMemcpyDeviceToDevice, s));
  CK(cudaFreeAsync(q, s));
  cudaGraphExec_t ex = instantiate(end());
  for (int i = 0; i < 2; i++) CK(cudaGraphLaunch(ex, s));
  TRUE(first_of_d() == 6);
}

static size_t free_memory() {
  size_t free, total;
  CK(cudaMemGetInfo(&free, &total));
  return free;
}

// Memory of a graph that something else frees: each launch allocates it anew, for as long as the graph lives.
static void memory_freed_outside() {
  const size_t before = free_memory();
  int* q;
  begin();
  CK(cudaMallocAsync(&q, 64, s));
  CK(cudaMemsetAsync(q, 0, 64, s));
  add<<<1, 16, 0, s>>>(q, 8);
  cudaGraph_t graph = end(), freeing_graph;
  cudaGraphExec_t exec = instantiate(graph);
  begin();
  CK(cudaFreeAsync(q, s));
  cudaGraphExec_t freeing = instantiate(freeing_graph = end());
  for (int i = 0; i < 6; i++) {
    CK(cudaGraphLaunch(exec, s));
    add<<<1, 16, 0, s>>>(q, i);
    CK(cudaMemcpyAsync(h, q, 16, cudaMemcpyDeviceToHost, s));
    if (i % 3 == 0) CK(cudaFreeAsync(q, s));
    if (i % 3 == 1) CK(cudaGraphLaunch(freeing, s));
    CK(cudaStreamSynchronize(s));
    TRUE(h[3] == 8 + i);
    if (i % 3 == 2) CK(cudaFree(q));
  }
  CK(cudaGraphLaunch(exec, s));
  for (cudaGraphExec_t x : {exec, freeing}) CK(cudaGraphExecDestroy(x));
  for (cudaGraph_t g : {graph, freeing_graph}) CK(cudaGraphDestroy(g));
  add<<<1, 16, 0, s>>>(q, 1);
  CK(cudaFreeAsync(q, s));
  CK(cudaDeviceSynchronize());
  TRUE(free_memory() == before);
}

// A graph that frees its memory itself has none when it is no more.
static void memory_freed_inside() {
  const size_t before = free_memory();
  int* q;
  begin();
  CK(cudaMallocAsync(&q, 64, s));
  CK(cudaMemsetAsync(q, 1, 64, s));
  CK(cudaFreeAsync(q, s));
  cudaGraph_t graph = end();
  cudaGraphExec_t exec = instantiate(graph);
  for (int i = 0; i < 3; i++) CK(cudaGraphLaunch(exec, s));
  CK(cudaGraphExecDestroy(exec));
  CK(cudaGraphDestroy(graph));
  CK(cudaDeviceSynchronize());
  TRUE(free_memory() == before);
}

// A capture frees only what a graph allocates.
static void free_in_capture() {
  int* pooled;
  cudaGraph_t graph;
  CK(cudaMallocAsync(&pooled, 64, s));
  begin();
  EXPECT(cudaFreeAsync(pooled, s), cudaErrorInvalidValue);
  EXPECT(cudaFreeAsync(d, s), cudaErrorInvalidValue);
  CK(cudaStreamEndCapture(s, &graph));
  CK(cudaGraphDestroy(graph));
  CK(cudaFreeAsync(pooled, s));
  CK(cudaStreamSynchronize(s));
  cudaGetLastError();
}
