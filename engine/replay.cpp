#include "engine/replay.h"

#if FERMION_CUDA
#include <cuda_runtime_api.h>
#endif

namespace fermion::engine {

#if FERMION_CUDA

namespace {

// The first run allocates, the second merges the blocks of scratch, the third must find all it needs. After
// one that throws they begin anew.
constexpr int runs_before_capture = 2;

void check(cudaError_t error, const char* what) {
  if (error != cudaSuccess)
    throw Error("CUDA graph, {}: {} ({})", what, cudaGetErrorString(error), cudaGetErrorName(error));
}

}  // namespace

struct Replay::Graph {
  explicit Graph(Device& device)
      : pool(std::make_shared<Pool>(device.memory(), PoolOptions{.keep = true, .guard = false})),
        arena(*pool) {}
  ~Graph() {
    if (executable) cudaGraphExecDestroy(executable);
  }

  void capture(cudaStream_t stream, const std::function<void()>& work) {
    check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "beginning the capture");
    cudaGraph_t graph = nullptr;
    try {
      work();
    } catch (...) {
      runs = 0;
      cudaStreamEndCapture(stream, &graph);
      if (graph) cudaGraphDestroy(graph);
      throw;
    }
    check(cudaStreamEndCapture(stream, &graph), "ending the capture");
    const cudaError_t error = cudaGraphInstantiate(&executable, graph, 0);
    cudaGraphDestroy(graph);
    check(error, "making it executable");
  }

  std::shared_ptr<Pool> pool;  // outlives this where a tensor does
  Arena arena;
  int runs = 0;
  cudaGraphExec_t executable = nullptr;
};

Replay::Replay(Device& device) : device_(device) {
  if (device.is_cuda()) graph_ = std::make_unique<Graph>(device);
}

void Replay::run(const std::function<void()>& work) {
  if (!graph_) return work();
  const Device::MemoryScope memory(device_, graph_->pool, graph_->arena);
  if (device_.observed() && graph_->executable) {
    cudaGraphExecDestroy(graph_->executable);  // what follows may place tensors otherwise
    graph_->executable = nullptr;
  }
  if (device_.observed() || graph_->runs < runs_before_capture) {
    work();
    ++graph_->runs;
    return;
  }
  if (!graph_->executable) graph_->capture(device_.stream(), work);
  check(cudaGraphLaunch(graph_->executable, device_.stream()), "queueing it");
}

bool Replay::replayed() const {
  return graph_ && graph_->executable;
}

#else

struct Replay::Graph {};

Replay::Replay(Device& device) : device_(device) {}

void Replay::run(const std::function<void()>& work) {
  work();
}

bool Replay::replayed() const {
  return false;
}

#endif

Replay::~Replay() = default;

}  // namespace fermion::engine
