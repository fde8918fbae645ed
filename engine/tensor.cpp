#include "engine/tensor.h"

#include "engine/error.h"

namespace fermion::engine {

class Storage {
 public:
  Storage(Device& device, std::size_t bytes)
      : device(device), pool(device.shared_pool()), data(pool->allocate(bytes)), bytes(bytes) {}
  ~Storage() { pool->release(data, bytes); }
  Storage(const Storage&) = delete;

  Device& device;
  std::shared_ptr<Pool> pool;
  void* data;
  std::size_t bytes;
  bool wants_gradient = false;
  bool gradient_arrived = false;
  std::shared_ptr<Storage> gradient;
};

Tensor Tensor::empty(Device& device, DType dtype, Shape shape) {
  Tensor tensor;
  tensor.shape_ = shape;
  tensor.dtype_ = dtype;
  tensor.storage_ =
      std::make_shared<Storage>(device, static_cast<std::size_t>(shape.size()) * size_of(dtype));
  return tensor;
}

Tensor Tensor::zeros(Device& device, DType dtype, Shape shape) {
  Tensor tensor = empty(device, dtype, shape);
  tensor.fill_zero();
  return tensor;
}

Device& Tensor::device() const {
  if (!storage_) throw Error("an undefined tensor has no device");
  return storage_->device;
}

void Tensor::check_type(DType dtype) const {
  if (!storage_) throw Error("an undefined tensor has no data");
  if (dtype != dtype_) throw Error("a tensor of {} was read as {}", name_of(dtype_), name_of(dtype));
}

void* Tensor::address() const {
  return static_cast<char*>(storage_->data) + static_cast<std::size_t>(offset_) * size_of(dtype_);
}

void* Tensor::gradient_address() const {
  return static_cast<char*>(storage_->gradient->data) + static_cast<std::size_t>(offset_) * size_of(dtype_);
}

void Tensor::copy_to(void* host, std::size_t count, const void* from) const {
  storage_->device.memory().read(host, from, count);
}

std::vector<float> Tensor::floats_to_host() const {
  if (dtype_ != DType::bf16) return to_host<float>();
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(size()));
  for (const kernels::bf16 value : to_host<kernels::bf16>()) values.push_back(kernels::to_float(value));
  return values;
}

std::vector<std::uint8_t> Tensor::bytes_to_host() const {
  std::vector<std::uint8_t> copy(bytes());
  copy_to(copy.data(), copy.size(), address());
  return copy;
}

void Tensor::fill_zero() const {
  storage_->device.memory().zero(address(), bytes());
}

void Tensor::copy_from(const void* host, std::size_t count) const {
  if (count != bytes())
    throw Error("a tensor {} of {} bytes was given {} bytes", shape_.text(), bytes(), count);
  storage_->device.memory().write(address(), host, count);
}

Tensor Tensor::reshape(Shape shape) const {
  if (shape.size() != size())
    throw Error("reshape: {} does not hold the elements of {}", shape.text(), shape_.text());
  Tensor view = *this;
  view.shape_ = shape;
  return view;
}

Tensor Tensor::slice(std::int64_t begin, std::int64_t end) const {
  if (shape_.rank() == 0 || begin < 0 || end < begin || end > shape_[0])
    throw Error("slice: rows {} to {} of {}", begin, end, shape_.text());
  Tensor view = *this;
  view.offset_ += shape_[0] == 0 ? 0 : begin * (size() / shape_[0]);
  view.shape_.set(0, end - begin);
  return view;
}

void Tensor::want_gradient() const {
  storage_->wants_gradient = true;
}

bool Tensor::wants_gradient() const {
  return storage_ && storage_->wants_gradient;
}

Tensor Tensor::gradient() const {
  if (!storage_ || !storage_->gradient_arrived) return {};
  Tensor view = *this;
  view.storage_ = storage_->gradient;
  return view;
}

kernels::Write Tensor::start_gradient() const {
  if (!storage_->gradient) storage_->gradient = std::make_shared<Storage>(storage_->device, storage_->bytes);
  if (storage_->gradient_arrived) return kernels::Write::accumulate;
  storage_->gradient_arrived = true;
  if (bytes() == storage_->bytes) return kernels::Write::overwrite;
  storage_->device.memory().zero(storage_->gradient->data, storage_->bytes);
  return kernels::Write::accumulate;
}

void Tensor::clear_gradient() const {
  storage_->gradient_arrived = false;
}

}  // namespace fermion::engine
