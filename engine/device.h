// A device: where tensors live and kernels run.
#pragma once

#include <memory>
#include <string>

#include "engine/error.h"
#include "engine/memory.h"
#include "engine/shape.h"
#include "engine/trace.h"
#include "kernels/context.h"

namespace fermion::engine {

struct DeviceOptions {
  int threads = 0;      // 0: every core
  bool poison = false;  // fill fresh memory with NaNs (tests)
};

// Outlives its tensors. Used from one thread.
class Device {
 public:
  explicit Device(DeviceOptions options = {});
  ~Device();
  Device(const Device&) = delete;

  std::string name() const;
  int threads() const { return threads_; }
  Pool& pool() { return pool_; }
  Trace& trace() { return trace_; }

  // Calls kernel(context, Type<T>{}) with the context of this device and the element type of `dtype`. `label`
  // names the call in traces and in errors of the kernel, "module.path/op".
  template <class Kernel>
  void run(const std::string& label, DType dtype, Kernel&& kernel) {
    if (dtype != DType::f32)
      throw Error("{}: {} needs a CUDA device; the CPU computes in f32", label, name_of(dtype));
    arena_.reset();
    const Trace::Span span = trace_.span(label, pool_.statistics());
    try {
      kernel(kernels::Cpu{threads_, arena_, *primitives_}, Type<float>{});
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {
      throw Error("{}: {}", label, error.what());
    }
  }

 private:
  int threads_;
  Pool pool_;
  Arena arena_{pool_};
  std::unique_ptr<kernels::Primitives> primitives_;
  Trace trace_;
};

}  // namespace fermion::engine
