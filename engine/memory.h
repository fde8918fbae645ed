// Memory of the CPU device: a pool of size classes for tensors and an arena for the scratch of one kernel
// call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "kernels/context.h"

namespace fermion::engine {

struct MemoryStatistics {
  std::size_t in_use = 0;               // bytes handed out now, scratch included
  std::size_t peak = 0;                 // their maximum
  std::size_t reserved = 0;             // bytes taken from the system
  std::int64_t system_allocations = 0;  // how often the system was asked
};

// Blocks are rounded up to size classes an eighth of a power of two apart, kept when released and handed out
// again, so that a training step after the first asks the system for nothing. Every block ends in guard
// bytes, which are checked on release: a kernel that wrote past its tensor aborts with the tensor's size.
// With `poison`, what is handed out is filled with NaNs.
class Pool {
 public:
  explicit Pool(bool poison) : poison_(poison) {}
  ~Pool();
  Pool(const Pool&) = delete;

  // 64-byte aligned. Throws with what was asked and what is in use when the system has no more.
  void* allocate(std::size_t bytes);
  void release(void* data, std::size_t bytes) noexcept;

  bool poison() const { return poison_; }
  const MemoryStatistics& statistics() const { return statistics_; }
  void reset_peak() { statistics_.peak = statistics_.in_use; }

 private:
  std::map<std::size_t, std::vector<void*>> free_;  // by size class
  MemoryStatistics statistics_;
  bool poison_;
};

// Bump allocation out of blocks that outlive the call; after a call that needed several blocks, they are
// merged into one.
class Arena : public kernels::Workspace {
 public:
  explicit Arena(Pool& pool) : pool_(pool) {}
  ~Arena() override;
  Arena(const Arena&) = delete;

  void* take_bytes(std::size_t bytes) override;
  void reset();  // before every kernel call

 private:
  struct Block {
    void* data;
    std::size_t bytes;
  };
  void release_blocks();

  Pool& pool_;
  std::vector<Block> blocks_;
  std::size_t used_ = 0;  // of the last block
};

}  // namespace fermion::engine
