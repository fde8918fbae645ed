// A device: where tensors live and kernels run.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "engine/error.h"
#include "engine/memory.h"
#include "engine/profile_range.h"
#include "engine/shape.h"
#include "engine/trace.h"
#include "kernels/bf16.h"
#include "kernels/context.h"

namespace fermion::engine {

struct DeviceOptions {
  int threads = 0;  // of the CPU; 0: every core
  bool poison =
      false;  // tests: fill fresh memory with NaNs (CPU); give every tensor a block of its own (CUDA)
  enum class Kind { cpu, cuda } kind = Kind::cpu;
  int ordinal = 0;          // of CUDA devices
  int multiprocessors = 0;  // of those, how many persistent kernels fill; 0: all
};

// Told of every call of a kernel: benchmarks time them.
class CallObserver {
 public:
  virtual ~CallObserver() = default;
  virtual void begins(const std::string& label) = 0;
  virtual void ends() = 0;
};

// Outlives its tensors. Used from one thread.
class Device {
 public:
  explicit Device(DeviceOptions options = {});
  ~Device();
  Device(const Device&) = delete;

  std::string name() const;
  bool is_cuda() const { return stream_ != nullptr; }
  int threads() const { return threads_; }
  Memory& memory() { return *memory_; }
  // Where tensors and scratch come from.
  Pool& pool() { return *pool_; }
  const std::shared_ptr<Pool>& shared_pool() { return pool_; }  // tensors keep theirs
  CUstream_st* stream() const { return stream_; }               // null on the CPU
  Trace& trace() { return trace_; }
  // Whether somebody looks at single calls: they are then queued one by one, not as a graph.
  bool observed() const { return profiled_ || observer_ || trace_.enabled(); }
  void set_profiled(bool profiled) { profiled_ = profiled; }
  void observe(CallObserver* observer) { observer_ = observer; }  // null: nobody
  // Of all its memory, that which is kept for replayed work too.
  const MemoryStatistics& statistics() const { return memory_->statistics; }

  // Tensors and scratch come from elsewhere while it lives.
  class MemoryScope {
   public:
    MemoryScope(Device& device, std::shared_ptr<Pool> pool, Arena& arena)
        : device_(device),
          pool_(std::exchange(device.pool_, std::move(pool))),
          arena_(std::exchange(device.arena_, &arena)) {}
    ~MemoryScope() {
      device_.pool_ = pool_;
      device_.arena_ = arena_;
    }
    MemoryScope(const MemoryScope&) = delete;

   private:
    Device& device_;
    std::shared_ptr<Pool> pool_;
    Arena* arena_;
  };

  // Calls kernel(context, Type<T>{}) with the context of this device and the element type of `dtype`. `label`
  // names the call in traces, profiles and errors of the kernel, "module.path/op".
  template <class Kernel>
  void run(const std::string& label, DType dtype, Kernel&& kernel) {
    if (dtype != DType::f32 && !(is_cuda() && dtype == DType::bf16))
      throw Error("{}: {} needs a CUDA device; the CPU computes in f32", label, name_of(dtype));
    arena_->reset();
    const Call call(*this, label);
    try {
#if FERMION_CUDA
      if (is_cuda()) {
        const kernels::Cuda context{stream_, *arena_, counters_, multiprocessors_};
        dtype == DType::f32 ? kernel(context, Type<float>{}) : kernel(context, Type<kernels::bf16>{});
        return;
      }
#endif
      kernel(kernels::Cpu{threads_, *arena_, *primitives_}, Type<float>{});
    } catch (const std::exception& error) {
      throw Error("{}: {}", label, error.what());
    }
  }

 private:
  // A call's place in profiles and traces. Traces wait for the device, so that what they show are its times.
  class Call {
   public:
    Call(Device& device, const std::string& label);
    ~Call();

   private:
    Memory* traced_;
    CallObserver* observer_;
    ProfileRange range_;
    Trace::Span span_;
  };

  int threads_;
  std::unique_ptr<Memory> memory_;
  CUstream_st* stream_ = nullptr;  // of a CUDA device
  unsigned* counters_ = nullptr;
  int multiprocessors_ = 0;
  std::shared_ptr<Pool> pool_;
  std::unique_ptr<Arena> own_arena_;
  Arena* arena_;
  std::unique_ptr<kernels::Primitives> primitives_;
  Trace trace_;
  bool profiled_ = false;
  CallObserver* observer_ = nullptr;
};

}  // namespace fermion::engine
