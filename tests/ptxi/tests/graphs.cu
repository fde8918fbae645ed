// Capture of streams and graphs.
#include <thread>

#include "graphs/memory.h"

// d = src + 10 and, in a branch, e = 100; a call of the host; h = d.
static void six_nodes() {
  CK(cudaMemcpyAsync(d, src, 16, cudaMemcpyHostToDevice, s));
  branch();
  CK(cudaMemsetAsync(e, 0, 16, t));
  add<<<1, 4, 0, t>>>(e, 100);
  CK(cudaEventRecord(joined, t));
  add<<<1, 4, 0, s>>>(d, 10);
  CK(cudaStreamWaitEvent(s, joined, 0));
  CK(cudaLaunchHostFunc(s, host_fn, &src[0]));
  CK(cudaMemcpyAsync(h, d, 16, cudaMemcpyDeviceToHost, s));
}

static void invalidated_capture() {
  cudaStreamCaptureStatus st;
  CK(cudaStreamIsCapturing(s, &st));
  TRUE(st == cudaStreamCaptureStatusNone);
  begin();
  CK(cudaStreamIsCapturing(s, &st));
  TRUE(st == cudaStreamCaptureStatusActive);
  EXPECT(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal), cudaErrorIllegalState);
  six_nodes();
  EXPECT(cudaEventQuery(branched), cudaErrorCapturedEvent);  // also invalidates the capture
  cudaGraph_t g;
  EXPECT(cudaStreamEndCapture(s, &g), cudaErrorStreamCaptureInvalidated);
  TRUE(g == nullptr);
  cudaGetLastError();
}

static void replay() {
  begin(cudaStreamCaptureModeThreadLocal);
  six_nodes();
  cudaGraph_t g = end();
  TRUE(h[0] == 0 && g_host_calls == 0);  // nothing ran yet
  size_t n = 0;
  CK(cudaGraphGetNodes(g, nullptr, &n));
  TRUE(n == 6);
  cudaGraphExec_t ex = instantiate(g);
  CK(cudaGraphLaunch(ex, s));
  CK(cudaStreamSynchronize(s));
  TRUE(h[0] == 11 && h[3] == 14 && g_host_calls == 1);
  src[1] = 50;  // host memory is read at replay
  CK(cudaGraphLaunch(ex, s));
  CK(cudaStreamSynchronize(s));
  TRUE(h[1] == 60 && g_host_calls == 2);
  CK(cudaMemcpy(h, e, 16, cudaMemcpyDeviceToHost));
  TRUE(h[0] == 100);
  CK(cudaGraphExecDestroy(ex));
  CK(cudaGraphDestroy(g));
  EXPECT(cudaGraphLaunch(ex, s), cudaErrorInvalidValue);
  cudaGetLastError();
}

// With other parameters, with another topology, and a kernel node by hand.
static void update() {
  auto capture = [](int v, int nodes) {
    begin();
    for (int i = 0; i < nodes; i++) set_one<<<1, 1, 0, s>>>(d, v);
    return end();
  };
  cudaGraph_t g1 = capture(1, 1), g2 = capture(2, 1), g3 = capture(3, 2);
  cudaGraphExec_t ex1 = instantiate(g1);
  CK(cudaGraphLaunch(ex1, s));
  TRUE(first_of_d() == 1);
  cudaGraphExecUpdateResultInfo info;
  CK(cudaGraphExecUpdate(ex1, g2, &info));
  TRUE(info.result == cudaGraphExecUpdateSuccess);
  CK(cudaGraphLaunch(ex1, s));
  TRUE(first_of_d() == 2);
  EXPECT(cudaGraphExecUpdate(ex1, g3, &info), cudaErrorGraphExecUpdateFailure);
  TRUE(info.result == cudaGraphExecUpdateErrorTopologyChanged);
  cudaGetLastError();

  cudaGraphNode_t node;
  size_t n = 1;
  CK(cudaGraphGetNodes(g1, &node, &n));
  cudaGraphNodeType type;
  CK(cudaGraphNodeGetType(node, &type));
  TRUE(type == cudaGraphNodeTypeKernel);
  int v = 77;
  void* args[] = {&d, &v};
  cudaKernelNodeParams kp = {};
  kp.func = (void*)set_one;
  kp.gridDim = kp.blockDim = dim3(1);
  kp.kernelParams = args;
  CK(cudaGraphExecKernelNodeSetParams(ex1, node, &kp));
  CK(cudaGraphLaunch(ex1, s));
  TRUE(first_of_d() == 77);
  cudaGraphNode_t of_other;
  CK(cudaGraphGetNodes(g2, &of_other, &n));
  EXPECT(cudaGraphExecKernelNodeSetParams(ex1, of_other, &kp), cudaErrorInvalidValue);
  CK(cudaGraphUpload(ex1, s));
  EXPECT(cudaGraphUpload(ex1, (cudaStream_t)16), cudaErrorInvalidResourceHandle);
  cudaGetLastError();
}

template <class Call>
static void forbidden(const char* what, cudaError_t want, Call call) {
  begin();
  check(what, call() == want);
  cudaGraph_t r;
  EXPECT(cudaStreamEndCapture(s, &r), cudaErrorStreamCaptureInvalidated);
  cudaGetLastError();
}
static void forbidden_calls() {
  void* p;
  forbidden("malloc", cudaErrorStreamCaptureUnsupported, [&] { return cudaMalloc(&p, 16); });
  forbidden("stream sync", cudaErrorStreamCaptureUnsupported, [] { return cudaStreamSynchronize(s); });
  forbidden("stream query", cudaErrorStreamCaptureUnsupported, [] { return cudaStreamQuery(s); });
  forbidden("device sync", cudaErrorStreamCaptureUnsupported, [] { return cudaDeviceSynchronize(); });
  forbidden("memcpy", cudaErrorStreamCaptureImplicit,
            [] { return cudaMemcpy(d, h, 4, cudaMemcpyHostToDevice); });
  forbidden("legacy launch", cudaErrorStreamCaptureImplicit, [] {
    set_one<<<1, 1>>>(d, 1);
    return cudaGetLastError();
  });
  cudaEvent_t outside;
  CK(cudaEventCreate(&outside));
  CK(cudaEventRecord(outside, t));
  forbidden("wait for an outside event", cudaErrorStreamCaptureIsolation,
            [&] { return cudaStreamWaitEvent(s, outside, 0); });
  forbidden("external record", cudaErrorNotSupported,
            [&] { return cudaEventRecordWithFlags(outside, s, cudaEventRecordExternal); });
  forbidden("external wait", cudaErrorNotSupported,
            [&] { return cudaStreamWaitEvent(s, outside, cudaEventWaitExternal); });
  EXPECT(cudaEventRecordWithFlags(outside, s, cudaEventRecordExternal), cudaErrorInvalidValue);
  EXPECT(cudaStreamWaitEvent(s, outside, cudaEventWaitExternal), cudaErrorInvalidValue);
  cudaGetLastError();
}

// Unjoined work, the legacy stream, a capture that was not begun or is another thread's.
static void wrong_ends() {
  cudaGraph_t g;
  begin();
  set_one<<<1, 1, 0, s>>>(d, 1);
  branch();
  set_one<<<1, 1, 0, t>>>(d, 1);
  EXPECT(cudaStreamEndCapture(s, &g), cudaErrorStreamCaptureUnjoined);
  EXPECT(cudaStreamBeginCapture(0, cudaStreamCaptureModeGlobal), cudaErrorStreamCaptureUnsupported);
  EXPECT(cudaStreamEndCapture(s, &g), cudaErrorIllegalState);
  begin();
  std::thread([&] { EXPECT(cudaStreamEndCapture(s, &g), cudaErrorStreamCaptureWrongThread); }).join();
  end();
  cudaGetLastError();
}

// A graph launched in a capture: what follows it comes after its nodes, not after other branches.
static void children() {
  begin();
  set_one<<<1, 1, 0, s>>>(e, 1);
  cudaGraphExec_t child = instantiate(end());
  cudaGraph_t g;
  begin();
  branch();
  set_one<<<1, 1, 0, t>>>(d, 1);
  CK(cudaGraphLaunch(child, s));
  EXPECT(cudaStreamEndCapture(s, &g), cudaErrorStreamCaptureUnjoined);
  cudaGetLastError();
}

// Launches in a capture: each comes after the one before by one edge.
static void child_edges() {
  begin();
  set_one<<<1, 1, 0, s>>>(e, 1);
  cudaGraphExec_t child = instantiate(end());
  begin();
  cudaGraphExec_t empty = instantiate(end());
  begin();
  for (int i = 0; i < 3; i++) CK(cudaGraphLaunch(child, s));
  CK(cudaGraphLaunch(empty, s));
  cudaGraph_t g = end();
  size_t nodes, edges;
  CK(cudaGraphGetNodes(g, nullptr, &nodes));
  CK(cudaGraphGetEdges(g, nullptr, nullptr, nullptr, &edges));
  TRUE(nodes == 7 && edges == 6);
}

// The call fails that makes it.
static void wrong_copy() {
  begin();
  EXPECT(cudaMemcpyAsync(d, src, 17, cudaMemcpyHostToDevice, s), cudaErrorInvalidValue);
  cudaGraph_t g;
  cudaStreamEndCapture(s, &g);
  cudaGetLastError();
}

// The default stream waits for blocking streams; a stream that is destroyed ends its capture.
static void streams_in_captures() {
  cudaEvent_t outside;
  CK(cudaEventCreate(&outside));
  CK(cudaEventRecord(outside, t));
  forbidden("the default stream waits", cudaErrorStreamCaptureImplicit,
            [&] { return cudaStreamWaitEvent(0, outside, 0); });
  cudaStream_t gone;
  CK(cudaStreamCreate(&gone));
  CK(cudaStreamBeginCapture(gone, cudaStreamCaptureModeGlobal));
  set_one<<<1, 1, 0, gone>>>(d, 1);
  CK(cudaStreamDestroy(gone));
  CK(cudaDeviceSynchronize());
}

// What nodes cannot be made of.
static void wrong_nodes() {
  cudaGraph_t g, other;
  cudaGraphNode_t node, of_other, none = nullptr;
  CK(cudaGraphCreate(&g, 0));
  CK(cudaGraphCreate(&other, 0));
  CK(cudaGraphAddEmptyNode(&of_other, other, nullptr, 0));
  EXPECT(cudaGraphAddEmptyNode(&node, g, &of_other, 1), cudaErrorInvalidValue);
  EXPECT(cudaGraphAddEmptyNode(&node, g, &none, 1), cudaErrorInvalidValue);
  EXPECT(cudaGraphAddEmptyNode(&node, g, nullptr, 1), cudaErrorInvalidValue);
  cudaGraphNode_t twice[2];
  CK(cudaGraphAddEmptyNode(&twice[0], g, nullptr, 0));
  twice[1] = twice[0];
  EXPECT(cudaGraphAddEmptyNode(&node, g, twice, 2), cudaErrorInvalidValue);
  EXPECT(cudaGraphAddKernelNode(&node, g, nullptr, 0, nullptr), cudaErrorInvalidValue);
  EXPECT(cudaGraphAddHostNode(&node, g, nullptr, 0, nullptr), cudaErrorInvalidValue);
  EXPECT(cudaGraphAddMemsetNode(&node, g, nullptr, 0, nullptr), cudaErrorInvalidValue);
  cudaMemsetParams p = {};
  p.dst = d;
  p.elementSize = 3;
  p.width = p.height = 1;
  EXPECT(cudaGraphAddMemsetNode(&node, g, nullptr, 0, &p), cudaErrorInvalidValue);
  p.elementSize = 4;
  p.width = 5;
  EXPECT(cudaGraphAddMemsetNode(&node, g, nullptr, 0, &p), cudaErrorInvalidValue);
  p.width = 1;
  p.height = 2;
  for (size_t pitch : {0, 2, 6}) {
    p.pitch = pitch;
    EXPECT(cudaGraphAddMemsetNode(&node, g, nullptr, 0, &p), cudaErrorInvalidValue);
  }
  p.pitch = 4;
  CK(cudaGraphAddMemsetNode(&node, g, nullptr, 0, &p));
  p.height = 1;
  p.dst = (char*)d + 1;
  EXPECT(cudaGraphAddMemsetNode(&node, g, nullptr, 0, &p), cudaErrorInvalidValue);
  EXPECT(cudaGraphAddMemcpyNode1D(&node, g, nullptr, 0, d, e, 17, cudaMemcpyDeviceToDevice),
         cudaErrorInvalidValue);
  EXPECT(cudaGraphAddMemcpyNode1D(&node, g, nullptr, 0, d, nullptr, 4, cudaMemcpyHostToDevice),
         cudaErrorInvalidValue);
  EXPECT(cudaGraphNodeGetType(of_other, nullptr), cudaErrorInvalidValue);
  EXPECT(cudaGraphCreate(nullptr, 0), cudaErrorInvalidValue);
  cudaGetLastError();
}

// The graph of a capture is not the program's before its end.
static void graph_of_capture() {
  cudaStreamCaptureStatus status;
  cudaGraph_t graph;
  const cudaGraphNode_t* nodes;
  size_t count;
  begin();
  CK(cudaMemsetAsync(d, 1, 16, s));
  CK(cudaStreamGetCaptureInfo(s, &status, nullptr, &graph, &nodes, nullptr, &count));
  cudaGraphNodeType type;
  TRUE(count == 1);
  CK(cudaGraphNodeGetType(nodes[0], &type));
  TRUE(type == cudaGraphNodeTypeMemset);
  EXPECT(cudaGraphDestroy(graph), cudaErrorIllegalState);
  CK(cudaMemsetAsync(e, 1, 16, s));
  CK(cudaGraphDestroy(end()));
  cudaGetLastError();
}

static void reset() {
  CK(cudaStreamCreate(&s));
  begin();
  CK(cudaMemsetAsync(d, 1, 16, s));
  cudaGraph_t graph = end();
  cudaGraphExec_t exec = instantiate(graph);
  begin();
  CK(cudaDeviceReset());
  EXPECT(cudaGraphLaunch(exec, nullptr), cudaErrorInvalidValue);
  EXPECT(cudaStreamEndCapture(s, &graph), cudaErrorInvalidResourceHandle);
  CK(cudaDeviceSynchronize());
  cudaGetLastError();
}

int main() {
  setup();
  invalidated_capture();
  replay();
  update();
  forbidden_calls();
  wrong_ends();
  children();
  child_edges();
  wrong_copy();
  streams_in_captures();
  wrong_nodes();
  memory();
  memory_freed_outside();
  memory_freed_inside();
  graph_of_capture();
  free_in_capture();
  CK(cudaStreamDestroy(s));
  CK(cudaStreamDestroy(t));
  reset();
  return finish();
}
