// Element types and shapes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "kernels/bf16.h"

namespace fermion::engine {

enum class DType { f32, bf16, u8, i32 };

std::size_t size_of(DType dtype);
const char* name_of(DType dtype);

// Tags that carry an element type into a generic lambda.
template <class T>
struct Type {
  using type = T;
};

template <class T>
constexpr DType dtype_of();
template <>
constexpr DType dtype_of<float>() {
  return DType::f32;
}
template <>
constexpr DType dtype_of<kernels::bf16>() {
  return DType::bf16;
}
template <>
constexpr DType dtype_of<std::uint8_t>() {
  return DType::u8;
}
template <>
constexpr DType dtype_of<std::int32_t>() {
  return DType::i32;
}

// Up to five dimensions, row-major, the last one contiguous. A scalar has none.
class Shape {
 public:
  static constexpr int max_rank = 5;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}
  explicit Shape(std::span<const std::int64_t> dims);

  int rank() const { return rank_; }
  std::int64_t size() const;
  // Negative i counts from the end.
  std::int64_t operator[](int i) const { return dims_[static_cast<std::size_t>(i < 0 ? i + rank_ : i)]; }
  void set(int i, std::int64_t dim) { dims_[static_cast<std::size_t>(i < 0 ? i + rank_ : i)] = dim; }
  bool operator==(const Shape& other) const = default;

  std::string text() const;  // "[8, 64, 64, 3]"

 private:
  std::array<std::int64_t, max_rank> dims_{};
  int rank_ = 0;
};

}  // namespace fermion::engine
