#include "engine/device.h"

#include <omp.h>

#include "kernels/onednn.h"

namespace fermion::engine {

Device::Device(DeviceOptions options)
    : threads_(options.threads > 0 ? options.threads : omp_get_num_procs()),
      pool_(options.poison),
      primitives_(std::make_unique<kernels::Primitives>()) {
  omp_set_num_threads(threads_);
}

Device::~Device() = default;

std::string Device::name() const {
  return fmt::format("cpu, {} thread{}", threads_, threads_ == 1 ? "" : "s");
}

}  // namespace fermion::engine
