#include "engine/staging.h"

#include <cstring>

#include "engine/error.h"
#include "engine/profile_range.h"
#if FERMION_CUDA
#include <cuda_runtime_api.h>
#endif

namespace fermion::engine {
namespace {

constexpr std::size_t slot_count = 2, alignment = 64;

#if FERMION_CUDA
void check(cudaError_t error, const char* what) {
  if (error != cudaSuccess)
    throw Error("CUDA, {}: {} ({})", what, cudaGetErrorString(error), cudaGetErrorName(error));
}
#endif

}  // namespace

#if FERMION_CUDA

struct Staging::Lane {
  explicit Lane(Device& device) {
    if (!device.is_cuda()) return;
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "making a stream for copies");
    name_stream(stream, "fermion copies");
  }
  ~Lane() {
    if (!stream) return;
    cudaStreamSynchronize(stream);
    cudaStreamDestroy(stream);
  }
  cudaStream_t stream = nullptr;
};

// A set of values: in the host's memory and, on CUDA, in the device's. There `arrived` says that the copy to
// the device is done, `taken` that what it brought is in the tensors.
struct Staging::Slot {
  Slot(Device& device, std::size_t bytes) : bytes(bytes) {
    if (!device.is_cuda()) {
      pageable.resize(bytes);
      host = pageable.data();
      return;
    }
    on_device = Tensor::empty(device, DType::u8, {static_cast<std::int64_t>(bytes)});
    check(cudaHostAlloc(&pinned, bytes, cudaHostAllocDefault), "pinning host memory");
    host = static_cast<std::byte*>(pinned);
    for (cudaEvent_t* event : {&arrived, &taken})
      check(cudaEventCreateWithFlags(event, cudaEventDisableTiming), "making an event");
    // The memory above is there for other streams from here on.
    check(cudaEventRecord(taken, device.stream()), "recording an event");
  }
  ~Slot() {
    for (cudaEvent_t event : {arrived, taken})
      if (event) cudaEventDestroy(event);
    if (pinned) cudaFreeHost(pinned);
  }
  Slot(const Slot&) = delete;

  std::size_t bytes;
  std::vector<std::byte> pageable;
  std::byte* host = nullptr;
  void* pinned = nullptr;
  Tensor on_device;
  cudaEvent_t arrived = nullptr, taken = nullptr;
};

#else

struct Staging::Lane {
  explicit Lane(Device&) {}
};

struct Staging::Slot {
  Slot(Device&, std::size_t bytes) : pageable(bytes), host(pageable.data()) {}

  std::vector<std::byte> pageable;
  std::byte* host;
};

#endif

Staging::Staging(std::vector<Tensor> tensors)
    : tensors_(std::move(tensors)), lane_(std::make_unique<Lane>(tensors_.at(0).device())) {
  std::size_t bytes = 0;
  for (const Tensor& tensor : tensors_) {
    offsets_.push_back(bytes);
    bytes += (tensor.bytes() + alignment - 1) / alignment * alignment;
  }
  for (std::size_t i = 0; i < slot_count; ++i)
    slots_.push_back(std::make_unique<Slot>(tensors_[0].device(), bytes));
}

Staging::~Staging() {
  lane_.reset();  // waits for copies, so that slots may go
}

void Staging::stage(const std::vector<std::span<const std::byte>>& values) {
  if (staged_ - delivered_ == slot_count) throw Error("two sets of values are staged already");
  if (values.size() != tensors_.size())
    throw Error("{} values are staged for {} tensors", values.size(), tensors_.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i].size() != tensors_[i].bytes())
      throw Error("a tensor {} of {} bytes was given {} bytes", tensors_[i].shape().text(),
                  tensors_[i].bytes(), values[i].size());
  Slot& slot = *slots_[staged_ % slot_count];
#if FERMION_CUDA
  // What the slot held before has left the host's memory.
  if (lane_->stream) check(cudaEventSynchronize(slot.arrived), "waiting for a copy");
#endif
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!values[i].empty()) std::memcpy(slot.host + offsets_[i], values[i].data(), values[i].size());
#if FERMION_CUDA
  if (lane_->stream) {
    check(cudaStreamWaitEvent(lane_->stream, slot.taken), "ordering a copy");
    check(cudaMemcpyAsync(slot.on_device.data<std::uint8_t>(), slot.host, slot.bytes, cudaMemcpyHostToDevice,
                          lane_->stream),
          "copying to the device");
    check(cudaEventRecord(slot.arrived, lane_->stream), "recording an event");
  }
#endif
  ++staged_;
}

void Staging::deliver() {
  if (staged_ == delivered_) throw Error("no values are staged");
  Slot& slot = *slots_[delivered_++ % slot_count];
#if FERMION_CUDA
  if (lane_->stream) {
    const cudaStream_t stream = tensors_[0].device().stream();
    check(cudaStreamWaitEvent(stream, slot.arrived), "ordering a copy");
    for (std::size_t i = 0; i < tensors_.size(); ++i)
      check(cudaMemcpyAsync(tensors_[i].address(), slot.on_device.data<std::uint8_t>() + offsets_[i],
                            tensors_[i].bytes(), cudaMemcpyDeviceToDevice, stream),
            "copying within the device");
    check(cudaEventRecord(slot.taken, stream), "recording an event");
    return;
  }
#endif
  for (std::size_t i = 0; i < tensors_.size(); ++i)
    tensors_[i].copy_from(slot.host + offsets_[i], tensors_[i].bytes());
}

}  // namespace fermion::engine
