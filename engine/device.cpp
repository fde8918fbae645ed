#include "engine/device.h"

#include <omp.h>

#include "kernels/onednn.h"
#if FERMION_CUDA
#include "engine/cuda_runtime.h"
#endif

namespace fermion::engine {

Device::Device(DeviceOptions options)
    : threads_(options.threads > 0 ? options.threads : omp_get_num_procs()),
      primitives_(std::make_unique<kernels::Primitives>()) {
  omp_set_num_threads(threads_);
  if (options.kind == DeviceOptions::Kind::cpu) {
    memory_ = std::make_unique<HostMemory>();
    pool_ = std::make_shared<Pool>(*memory_, PoolOptions{.poison = options.poison});
  } else {
#if FERMION_CUDA
    auto runtime = std::make_unique<CudaRuntime>(options.ordinal);
    stream_ = runtime->stream();
    counters_ = runtime->counters();
    multiprocessors_ = options.multiprocessors > 0 ? options.multiprocessors : runtime->multiprocessors();
    memory_ = std::move(runtime);
    pool_ = std::make_shared<Pool>(*memory_, PoolOptions{.keep = false, .guard = false});
#else
    throw Error("there is no CUDA device: this program was built without CUDA");
#endif
  }
  own_arena_ = std::make_unique<Arena>(*pool_);
  arena_ = own_arena_.get();
}

Device::~Device() = default;

std::string Device::name() const {
  return is_cuda() ? memory_->name() : fmt::format("cpu, {} thread{}", threads_, threads_ == 1 ? "" : "s");
}

Device::Call::Call(Device& device, const std::string& label)
    : traced_(device.trace_.enabled() ? device.memory_.get() : nullptr),
      observer_(device.observer_),
      range_(label),
      span_(device.trace_.span(label, device.statistics())) {
  if (observer_) observer_->begins(label);
}

Device::Call::~Call() {
  if (observer_) observer_->ends();
  if (!traced_) return;
  try {
    traced_->synchronize();
  } catch (const Error&) {
    // The next call that waits throws it again.
  }
}

}  // namespace fermion::engine
