// Tensors: contiguous, row-major, with the gradient beside the data.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/device.h"
#include "engine/shape.h"
#include "kernels/context.h"

namespace fermion::engine {

class Storage;

// A handle: copies share the memory. Reshaping and slicing along the leading dimension are views; nothing
// else is.
//
// The gradient of a view is the same view of the gradient of what it views. It is allocated when a backward
// first asks for it, and follows the life of the data.
class Tensor {
 public:
  Tensor() = default;
  static Tensor empty(Device& device, DType dtype, Shape shape);
  static Tensor zeros(Device& device, DType dtype, Shape shape);
  template <class T>
  static Tensor from(Device& device, Shape shape, std::span<const T> values) {
    Tensor tensor = empty(device, dtype_of<T>(), shape);
    tensor.copy_from(values.data(), values.size_bytes());
    return tensor;
  }

  explicit operator bool() const { return storage_ != nullptr; }
  const Shape& shape() const { return shape_; }
  std::int64_t size() const { return shape_.size(); }
  DType dtype() const { return dtype_; }
  std::size_t bytes() const { return static_cast<std::size_t>(size()) * size_of(dtype_); }
  Device& device() const;

  // The address, in the device's memory. Throws when T is not the tensor's element type.
  template <class T>
  T* data() const {
    check_type(dtype_of<T>());
    return static_cast<T*>(address());
  }
  void* address() const;  // the same, whatever the element type
  // To and from the host's memory.
  template <class T>
  std::vector<T> to_host() const {
    std::vector<T> values(static_cast<std::size_t>(size()));
    copy_to(values.data(), sizeof(T) * values.size(), data<T>());
    return values;
  }
  template <class T>
  T item() const {
    T value;
    copy_to(&value, sizeof value, data<T>());
    return value;
  }
  std::vector<float> floats_to_host() const;        // of f32 or bf16
  std::vector<std::uint8_t> bytes_to_host() const;  // whatever the element type
  void fill_zero() const;
  void copy_from(const void* host, std::size_t bytes) const;
  template <class T>
  void copy_from(const std::vector<T>& values) const {
    check_type(dtype_of<T>());
    copy_from(values.data(), sizeof(T) * values.size());
  }

  Tensor reshape(Shape shape) const;
  // Rows begin..end of the leading dimension.
  Tensor slice(std::int64_t begin, std::int64_t end) const;

  // Leaves say that they want a gradient; an op's output wants one when one of its inputs does.
  void want_gradient() const;
  bool wants_gradient() const;
  // The gradient that has arrived, or an undefined tensor.
  Tensor gradient() const;
  // Where a backward puts its gradient: the first one overwrites, later ones add; of a part of a storage, all
  // add to zeros. Empty when no gradient is wanted.
  template <class T>
  kernels::Gradient<T> take_gradient() const {
    if (!*this || !wants_gradient()) return {};
    check_type(dtype_of<T>());
    const kernels::Write write = start_gradient();
    return {static_cast<T*>(gradient_address()), write};
  }
  // Forget the gradient but keep its memory: between two steps.
  void clear_gradient() const;

 private:
  void check_type(DType dtype) const;
  void copy_to(void* host, std::size_t bytes, const void* from) const;
  void* gradient_address() const;
  kernels::Write start_gradient() const;

  std::shared_ptr<Storage> storage_;
  std::int64_t offset_ = 0;  // in elements
  Shape shape_;
  DType dtype_ = DType::f32;
};

}  // namespace fermion::engine
