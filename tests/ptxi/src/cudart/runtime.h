// State of the CUDA runtime replacement, shared by the files of this folder.
#pragma once
#include <cuda_runtime_api.h>
#include <functional>
#include <memory>
#include <mutex>
#include <set>

#include "launch.h"

namespace ptxi {

extern std::recursive_mutex g_api;
extern cudaError_t g_sticky;  // a fault: returned by everything until cudaDeviceReset

// Record an error as the calling thread's last error and return it.
cudaError_t set_error(cudaError_t e);

// Why a call must not be made now: a fault that stays; or it comes from a host function, which is reported.
cudaError_t refusal();
cudaError_t refusal_inside();  // only because of a host function

// Every entry point starts with API(): takes the lock and returns what speaks against the call, if anything.
#define API()                                            \
  std::lock_guard<std::recursive_mutex> api_lock(g_api); \
  if (const cudaError_t refused = refusal()) return set_error(refused)
// For what must work after a fault, too.
#define API_AFTER_FAULT()                                \
  std::lock_guard<std::recursive_mutex> api_lock(g_api); \
  if (const cudaError_t refused = refusal_inside()) return set_error(refused)
// For what touches no state: takes no lock, for which a host function may let it wait.
#define API_WITHOUT_STATE() \
  if (const cudaError_t refused = refusal_inside()) return set_error(refused)
#define LOCK() std::lock_guard<std::recursive_mutex> api_lock(g_api)

// While one lives, its thread holds the lock and changes nothing that the lock guards, but may wait for other
// threads: those may look at that.
struct Lent {
  Lent();
  ~Lent();
};
void with_lock_or_lent(const std::function<void()>& look);

// A kernel launch with its parameters copied.
struct KernelCall {
  Kernel* k = nullptr;
  const void* func = nullptr;
  LaunchDims d{};
  std::vector<u8> params;
};
// Checks the configuration and copies the parameters; does not run anything.
cudaError_t make_call(KernelCall& c, const void* func, dim3 grid, dim3 block, void** args, size_t smem,
                      bool cooperative);
cudaError_t run_call(const KernelCall& c);
Kernel* kernel_of(const void* func, cudaError_t& e);
void* symbol_address(const void* symbol, size_t* size);
void modules_reset();

enum NodeKind { N_KERNEL, N_MEMCPY, N_MEMSET, N_HOST, N_EMPTY, N_ALLOC, N_FREE, N_CHILD };
struct Node {
  NodeKind kind = N_EMPTY;
  KernelCall call;
  // memcpy / memset: rows of `width` bytes
  void* dst = nullptr;
  const void* src = nullptr;
  size_t dpitch = 0, spitch = 0, width = 0, height = 1;
  unsigned value = 0, elem = 1;
  cudaHostFn_t fn = nullptr;
  cudaStreamCallback_t callback = nullptr;  // or this, with the stream
  cudaStream_t stream = nullptr;
  void* data = nullptr;
  std::shared_ptr<std::vector<u8>> staged;  // what src points to, where that is a copy of the host's memory
  std::shared_ptr<struct GraphMemory> memory;  // which a graph allocates, or which is freed
  std::vector<int> deps;
};
cudaError_t run_node(const Node& n);
void run_host_function(const Node& n);
Node copy_node(void* d, size_t dp, const void* s, size_t sp, size_t w, size_t h);

struct Graph {
  std::vector<Node> nodes;  // in an order that respects the dependencies
  std::vector<void*> handles;
};
struct Work;
using WorkRef = std::shared_ptr<Work>;
struct CaptureState {
  Graph* graph = nullptr;
  struct Stream* origin = nullptr;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  std::set<struct Stream*> streams;
  bool invalid = false;
  unsigned long long id = 0, thread = 0;
};
struct Stream {
  unsigned flags = 0;
  int priority = 0;
  unsigned long long id = 0;
  CaptureState* capture = nullptr;
  std::set<int> tail;                       // last captured nodes
  std::vector<cudaGraphNode_t> tail_nodes;  // as the program has been told
  WorkRef last;                             // the newest work (PTXI_STREAMS=late)
};
Stream* stream_of(cudaStream_t s);  // null: invalid handle

// Where an operation in stream `s` goes. On success *cap is the capture to record into, or null to
// run at once.
cudaError_t stream_op(cudaStream_t s, Stream** st, CaptureState** cap);
int record_node(Stream* st, const Node& n);
// Run or queue the node, or record it if the stream is being captured.
cudaError_t submit(cudaStream_t s, const Node& n);
cudaError_t submit_transfer(cudaStream_t s, const Node& n,
                            bool async);  // a copy or a fill; not async: of the default stream
cudaError_t check_kind(const void* d, const void* s, bool any, cudaMemcpyKind k);  // any: of one byte or more
cudaError_t check_transfer(const Node& n);  // whether its ranges are inside allocations
// Called by functions that are not allowed during a capture.
cudaError_t unsafe_call();
// Called by synchronous functions that imply the legacy default stream.
cudaError_t legacy_call();
// cudaDeviceReset: handles from before are invalid afterwards.
void streams_reset();
void events_reset();
void graphs_reset();  // only what was instantiated
void pools_reset();
void pools_on_sync();
void device_prop(cudaDeviceProp& p);
bool on_device(const void* p, size_t n);        // inside one live allocation
const struct Alloc* managed_at(const void* p);  // null: it is not managed memory
cudaError_t check_location(cudaMemLocation l);  // whether there is such a place

}  // namespace ptxi
