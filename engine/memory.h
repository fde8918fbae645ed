// Memory of a device, a pool of size classes for tensors, and an arena for the scratch of one kernel call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "kernels/context.h"

namespace fermion::engine {

struct MemoryStatistics {
  std::size_t in_use = 0;               // bytes handed out now, scratch included
  std::size_t peak = 0;                 // their maximum
  std::size_t reserved = 0;             // bytes taken from the system
  std::int64_t system_allocations = 0;  // how often the system was asked
};

// A device's memory, and copies between it and the host's. Copies come after all that was queued before, and
// the host's side is free again on return.
class Memory {
 public:
  virtual ~Memory() = default;
  virtual std::string name() const = 0;  // for errors

  // 64-byte aligned; null when there is no more.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void release(void* data) noexcept = 0;

  virtual void read(void* host, const void* data, std::size_t bytes) = 0;
  virtual void write(void* data, const void* host, std::size_t bytes) = 0;
  virtual void zero(void* data, std::size_t bytes) = 0;
  // Waits until everything queued is done.
  virtual void synchronize() = 0;

  // Of all pools together.
  MemoryStatistics statistics;
};

// Bytes of RAM that the process may use: the machine's, or less where its control group (cgroup v2) allows
// less.
std::size_t machine_memory();

// As much as machine_memory(). The system itself would promise more, and end the process that uses it.
class HostMemory : public Memory {
 public:
  std::string name() const override { return "the CPU"; }
  void* allocate(std::size_t bytes) override;
  void release(void* data) noexcept override;
  void read(void* host, const void* data, std::size_t bytes) override;
  void write(void* data, const void* host, std::size_t bytes) override;
  void zero(void* data, std::size_t bytes) override;
  void synchronize() override {}
};

struct PoolOptions {
  bool keep = true;     // keep what is released, to hand it out again
  bool guard = true;    // end every block in guard bytes; of host memory only
  bool poison = false;  // fill what is handed out with NaNs; of host memory only
};

// Blocks are rounded up to size classes an eighth of a power of two apart, kept when released and handed out
// again, so that a training step after the first asks the system for nothing. Guard bytes are checked on
// release: a kernel that wrote past its tensor aborts with the tensor's size.
class Pool {
 public:
  Pool(Memory& memory, PoolOptions options) : memory_(memory), options_(options) {}
  ~Pool();
  Pool(const Pool&) = delete;

  // 64-byte aligned. Throws with what was asked and what is in use when the system has no more.
  void* allocate(std::size_t bytes);
  void release(void* data, std::size_t bytes) noexcept;

  const PoolOptions& options() const { return options_; }
  const MemoryStatistics& statistics() const { return statistics_; }
  void reset_peak() { statistics_.peak = statistics_.in_use; }

 private:
  void count_use(std::size_t bytes, bool taken);
  void count_reserved(std::size_t bytes, bool taken);

  Memory& memory_;
  PoolOptions options_;
  std::map<std::size_t, std::vector<void*>> free_;  // by size class
  MemoryStatistics statistics_;
};

// Bump allocation out of blocks that outlive the call; after a call that needed several blocks, they are
// merged into one. Where the pool keeps nothing, neither does the arena.
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
