#include "benchmarks/device_timing.h"

#include <algorithm>
#include <deque>

#include "benchmarks/timing.h"
#include "engine/replay.h"
#if FERMION_CUDA
#include <cuda_runtime_api.h>
#endif

namespace fermion::benchmarks {

#if FERMION_CUDA

namespace {

void check(cudaError_t error) {
  if (error != cudaSuccess) throw engine::Error("CUDA's events: {}", cudaGetErrorString(error));
}

class Event {
 public:
  Event() { check(cudaEventCreate(&event_)); }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  cudaEvent_t get() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

// More than the cache of any GPU.
constexpr std::int64_t flood_bytes = 256 << 20;

engine::Tensor flood_of(engine::Device& device) {
  return engine::Tensor::empty(device, engine::DType::u8, {flood_bytes});
}

void fill(engine::Device& device, const engine::Tensor& flood, std::int64_t bytes) {
  check(cudaMemsetAsync(flood.address(), 0, static_cast<std::size_t>(bytes), device.stream()));
}

double seconds_of(engine::Device& device, const std::function<void()>& body) {
  const Event begin, end;
  check(cudaEventRecord(begin.get(), device.stream()));
  body();
  check(cudaEventRecord(end.get(), device.stream()));
  check(cudaEventSynchronize(end.get()));
  float milliseconds = 0;
  check(cudaEventElapsedTime(&milliseconds, begin.get(), end.get()));
  return 1e-3 * static_cast<double>(milliseconds);
}

// A body some times, as one graph where it can be captured.
class Repeated {
 public:
  Repeated(engine::Device& device, const std::function<void()>& body) : device_(device), replay_(device) {
    constexpr double round_seconds = 2e-3;
    body();
    const double twice = seconds_of(device, [&] { body(), body(); });
    times_ = static_cast<int>(std::clamp(round_seconds / std::max(twice / 2, 1e-7), 1.0, 100.0));
    body_ = [this, body] {
      for (int i = 0; i < times_; ++i) body();
    };
    try {
      for (int run = 0; run < 4 && !replayed(); ++run) replay_.run(body_);
    } catch (const std::exception&) {
      // Not captured.
    }
  }

  // Of one time.
  double seconds() {
    return seconds_of(device_, [&] { replayed() ? replay_.run(body_) : body_(); }) / times_;
  }
  bool replayed() const { return replay_.replayed(); }

 private:
  engine::Device& device_;
  engine::Replay replay_;
  int times_ = 1;
  std::function<void()> body_;
};

}  // namespace

std::vector<DeviceTime> device_times(engine::Device& device,
                                     const std::vector<std::function<void()>>& bodies) {
  constexpr int rounds = 9;
  std::deque<Repeated> repeated;
  for (const auto& body : bodies) repeated.emplace_back(device, body);
  std::vector<std::vector<double>> seconds(bodies.size()), cold(bodies.size());
  const engine::Tensor flood = flood_of(device);
  for (int round = 0; round < rounds; ++round)
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      seconds[i].push_back(repeated[i].seconds());
      fill(device, flood, flood_bytes);
      cold[i].push_back(seconds_of(device, bodies[i]));
    }
  std::vector<DeviceTime> times;
  for (std::size_t i = 0; i < bodies.size(); ++i)
    times.push_back({median(seconds[i]), median(cold[i]), repeated[i].replayed()});
  return times;
}

void copy_on_device(engine::Device& device, const engine::Tensor& to, const engine::Tensor& from) {
  check(
      cudaMemcpyAsync(to.address(), from.address(), from.bytes(), cudaMemcpyDeviceToDevice, device.stream()));
}

struct CallTimes::Calls {
  struct Call {
    std::string label;
    Event begin, end;
  };
  std::deque<Call> list;
  engine::Tensor flood;
};

CallTimes::CallTimes(engine::Device& device) : device_(device), calls_(std::make_unique<Calls>()) {
  calls_->flood = flood_of(device);
  device.observe(this);
}

CallTimes::~CallTimes() {
  device_.observe(nullptr);
}

void CallTimes::begins(const std::string& label) {
  Calls::Call& call = calls_->list.emplace_back();
  call.label = label;
  if (cold_) fill(device_, calls_->flood, flood_bytes);
  for (int i = 0; i < 16 && !cold_; ++i) fill(device_, calls_->flood, 1 << 20);
  check(cudaEventRecord(call.begin.get(), device_.stream()));
}

void CallTimes::ends() {
  cudaEventRecord(calls_->list.back().end.get(), device_.stream());
}

void CallTimes::clear() {
  calls_->list.clear();
}

std::vector<std::pair<std::string, double>> CallTimes::seconds() {
  std::vector<std::pair<std::string, double>> list;
  for (const Calls::Call& call : calls_->list) {
    check(cudaEventSynchronize(call.end.get()));
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, call.begin.get(), call.end.get()));
    list.emplace_back(call.label, 1e-3 * static_cast<double>(milliseconds));
  }
  return list;
}

#else

struct CallTimes::Calls {};
CallTimes::CallTimes(engine::Device& device) : device_(device) {
  throw engine::Error("this program was built without CUDA");
}
CallTimes::~CallTimes() = default;
void CallTimes::begins(const std::string&) {}
void CallTimes::ends() {}
void CallTimes::clear() {}
std::vector<std::pair<std::string, double>> CallTimes::seconds() {
  return {};
}
void copy_on_device(engine::Device&, const engine::Tensor&, const engine::Tensor&) {}

std::vector<DeviceTime> device_times(engine::Device&, const std::vector<std::function<void()>>&) {
  throw engine::Error("this program was built without CUDA");
}

#endif

}  // namespace fermion::benchmarks
