// New values for tensors of a device, on their way while it computes.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "engine/tensor.h"

namespace fermion::engine {

// Two sets of values may be staged at a time; each call of deliver() takes the older one. On CUDA a set goes
// from pinned memory to the device on a stream of its own, beside what is queued, and deliver() queues a copy
// within the device, so that the tensors stay where a replayed step finds them.
class Staging {
 public:
  // Replaces the values of these tensors, all of one device.
  explicit Staging(std::vector<Tensor> tensors);
  ~Staging();
  Staging(const Staging&) = delete;

  // Bytes for each of the tensors, in their order; the caller's again on return. Waits for nothing that was
  // queued after the set before the last was delivered. Throws Error when two sets wait already or sizes
  // differ.
  void stage(const std::vector<std::span<const std::byte>>& values);
  // Throws Error when nothing is staged.
  void deliver();

 private:
  struct Slot;
  struct Lane;  // of CUDA: a stream

  std::vector<Tensor> tensors_;
  std::vector<std::size_t> offsets_;  // of each tensor's bytes in a slot
  std::unique_ptr<Lane> lane_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::size_t staged_ = 0, delivered_ = 0;  // so far; set i is in slot i mod 2
};

}  // namespace fermion::engine
