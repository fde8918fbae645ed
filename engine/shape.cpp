#include "engine/shape.h"

#include <fmt/ranges.h>

#include "engine/error.h"

namespace fermion::engine {

std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return 4;
    case DType::bf16:
      return 2;
    case DType::u8:
      return 1;
    case DType::i32:
      return 4;
  }
  return 0;
}

const char* name_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "f32";
    case DType::bf16:
      return "bf16";
    case DType::u8:
      return "u8";
    case DType::i32:
      return "i32";
  }
  return "?";
}

Shape::Shape(std::span<const std::int64_t> dims) : rank_(static_cast<int>(dims.size())) {
  if (rank_ > max_rank) throw Error("a shape has at most {} dimensions, not {}", max_rank, rank_);
  std::size_t i = 0;
  for (const std::int64_t dim : dims) {
    if (dim < 0) throw Error("a shape has no negative dimension: {} at position {}", dim, i);
    dims_[i++] = dim;
  }
  size();
}

std::int64_t Shape::size() const {
  std::int64_t product = 1;
  // Also its bytes, of up to 8 an element, fit 64 bits.
  std::int64_t bytes = 0;
  for (int i = 0; i < rank_; ++i)
    if (__builtin_mul_overflow(product, dims_[static_cast<std::size_t>(i)], &product) ||
        __builtin_mul_overflow(product, 8, &bytes))
      throw Error("a shape of {} has more elements than memory can hold", text());
  return product;
}

std::string Shape::text() const {
  return fmt::format("[{}]", fmt::join(std::span(dims_).first(static_cast<std::size_t>(rank_)), ", "));
}

}  // namespace fermion::engine
