// Timing of queued work by the events of a CUDA device.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/tensor.h"

namespace fermion::benchmarks {

struct DeviceTime {
  double seconds = 0;       // where the cache holds what the body left there
  double cold_seconds = 0;  // where it holds nothing of the body's
  // As a graph, so that the host is not waited for. A body that cannot be captured is queued call by call.
  bool replayed = false;
};

// Of each body, which queues its work on the device's stream: medians of nine rounds in turn, in each of
// which a body runs so often that about two milliseconds pass, at most a hundred times.
std::vector<DeviceTime> device_times(engine::Device& device,
                                     const std::vector<std::function<void()>>& bodies);

void copy_on_device(engine::Device& device, const engine::Tensor& to, const engine::Tensor& from);

// The time that each call of a kernel takes on the device, while it lives. Before each, memory is filled, so
// that the call is queued meanwhile and no launch is waited for: 256 MiB, after which the cache holds nothing
// of the call's, or 1 MiB some times, after which it holds what the last calls left.
class CallTimes : public engine::CallObserver {
 public:
  explicit CallTimes(engine::Device& device);
  ~CallTimes() override;

  void begins(const std::string& label) override;
  void ends() override;
  void clear();
  void set_cold(bool cold) { cold_ = cold; }
  // By label, in the order of the calls; waits for them.
  std::vector<std::pair<std::string, double>> seconds();

 private:
  struct Calls;
  engine::Device& device_;
  bool cold_ = true;
  std::unique_ptr<Calls> calls_;
};

}  // namespace fermion::benchmarks
