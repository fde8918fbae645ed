// The same work again and again: a training step as one CUDA graph.
#pragma once

#include <functional>
#include <memory>

#include "engine/device.h"

namespace fermion::engine {

// Where there are no graphs, run() just does the work. On CUDA the first runs do, with memory that is kept
// for this work alone; then what it queues is captured, and from there on queued as one graph. So the work
// must queue the same kernels on the same tensors every time, wait for nothing and touch no tensor from the
// host; what changes, such as inputs and learning rate, it reads from tensors that live longer and are
// written before run(). Tensors that it makes and hands out stay where they are and are written anew by every
// run. While calls are traced or profiled nothing is captured: a graph has no times or names of its parts.
class Replay {
 public:
  explicit Replay(Device& device);
  ~Replay();
  Replay(const Replay&) = delete;

  void run(const std::function<void()>& work);
  // Whether the last run was queued as a graph.
  bool replayed() const;

 private:
  struct Graph;
  Device& device_;
  std::unique_ptr<Graph> graph_;  // null on the CPU
};

}  // namespace fermion::engine
